import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@knitfab/api';
import { Conflict, parseKnitId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { FailedWith, UsageError } from '../../exit.ts';
import { Progress } from '../../transfer/progress.ts';
import { example } from '../example.ts';

export const pull = new Command('pull')
  .description('download a Data, as DEST/KNIT_ID.tar.gz or as the tree DEST/KNIT_ID/')
  .argument('<KNIT_ID>', 'the Data')
  .argument('[DEST]', 'directory to write to, or - for stdout', '.')
  .option('-x, --extract', 'unpack the tree')
  .addHelpText('after', example('knit data pull -x KNIT_ID ./models', 'knit data pull KNIT_ID - | tar tz'))
  .action(
    async (id: string, destination: string, { extract = false }: { extract?: boolean }, command: Command) => {
      const knitId = parseKnitId(id);
      if (destination === '-') refuseAsStdout(extract);
      const client = await connect(command);
      const progress = new Progress(knitId);
      try {
        const target = await pullTo(destination, extract, client, knitId, progress);
        progress.done(`pulled ${target}`);
      } catch (error) {
        progress.failed();
        throw new FailedWith(`can't pull ${knitId} to ${destination}`, error);
      } finally {
        client.close();
      }
    },
  );

/** @returns what to call the result */
async function pullTo(
  destination: string,
  extract: boolean,
  client: Client,
  knitId: string,
  progress: Progress,
): Promise<string> {
  const { downloadFile, downloadTo, downloadTree } = await import('../../transfer/download.ts');
  if (destination === '-') {
    await downloadTo(process.stdout, client, knitId, progress);
    return knitId;
  }
  const target = join(destination, extract ? knitId : `${knitId}.tar.gz`);
  if (extract) refuseExisting(target);
  const { makeDirectory } = await import('@knitfab/archive');
  await makeDirectory(destination);
  await (extract ? downloadTree : downloadFile)(target, client, knitId, progress);
  return target;
}

function refuseAsStdout(extract: boolean): void {
  if (extract) throw new UsageError('a tree can not go to stdout: leave out -x, or name a directory');
  if (process.stdout.isTTY) {
    throw new UsageError('the archive would go to your terminal: send it to a file or another command');
  }
}

function refuseExisting(target: string): void {
  if (!existsSync(target)) return;
  throw new Conflict({
    reason: `${target} exists already`,
    advice: 'Remove it, or pull to another directory.',
  });
}
