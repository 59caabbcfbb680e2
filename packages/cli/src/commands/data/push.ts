import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { ArchiveType, Client, DataDetail } from '@knitfab/api';
import { checkedTag, Invalid, type KnitError, NotFound, type Tag, userTagSet } from '@knitfab/core';
import { Command } from 'commander';
import { connect, knitEnvOf } from '../../connect.ts';
import { FailedWith } from '../../exit.ts';
import { interrupted } from '../../interrupt.ts';
import { userTags } from '../../options/values.ts';
import { dataRecord } from '../../output/data.ts';
import { note, print } from '../../output/print.ts';
import { startedRunsTable } from '../../output/started-runs.ts';
import { example } from '../example.ts';

interface PushOptions {
  readonly tag?: readonly Tag[];
  readonly name?: boolean;
  readonly dereference?: boolean;
  readonly dryRun?: boolean;
}

export const push = new Command('push')
  .description('upload directories; each becomes one Data')
  .argument('<SOURCE...>', 'directories')
  .option('-t, --tag <KEY:VALUE>', 'tag for each Data; may be given several times', userTags)
  .option('-n, --name', "also tag each Data with its directory's name, as name:NAME")
  .option('-L, --dereference', 'push what symbolic links lead to, instead of the links')
  .option('--dry-run', 'push nothing: only say which Runs would start')
  .addHelpText(
    'after',
    example(
      'knit data push -t type:raw -t project:spam -n ./mails',
      'knit data push -t type:raw --dry-run ./mails',
    ),
  )
  .action(async (sources: string[], options: PushOptions, command: Command) => {
    await refuseMissing(sources);
    const env = await knitEnvOf(command);
    const common = [...env.tags, ...(options.tag ?? [])];
    const trees = sources.map((source) => ({ source, tags: tagsFor(source, common, options.name ?? false) }));
    const client = await connect(command);
    if (options.dryRun) {
      for (const { tags } of trees) await print(command, await client.dryRunUpload(tags), startedRunsTable);
      return client.close();
    }
    const { uploadType } = await import('../../transfer/archive-type.ts');
    const type = await uploadType(client);
    for (const { source, tags } of trees) {
      const dereference = options.dereference ?? false;
      const data = await pushTree(client, command, source, tags, { type, dereference }).catch((error) => {
        throw new FailedWith(`can't push ${source}`, error);
      });
      await print(command, data, dataRecord);
    }
    client.close();
  });

/** Checks all sources before anything is done with the first. */
async function refuseMissing(sources: readonly string[]): Promise<void> {
  for (const source of sources) {
    const stats = await stat(source).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
      throw new NotFound({ reason: `${source}: there is no such directory`, advice: 'Nothing was pushed.' });
    });
    if (!stats.isDirectory()) {
      throw new Invalid({
        reason: `${source} is not a directory`,
        advice: 'A Data is a directory: put the file into one. Nothing was pushed.',
      });
    }
  }
}

const tagsFor = (source: string, tags: readonly Tag[], named: boolean): Tag[] =>
  userTagSet(
    [...tags, ...(named ? [checkedTag({ key: 'name', value: basename(resolve(source)) })] : [])],
    source,
  );

/** Makes a Data of a directory, with its tags; when that fails or is interrupted, nothing of it is left. */
async function pushTree(
  client: Client,
  command: Command,
  source: string,
  tags: readonly Tag[],
  options: { type: ArchiveType; dereference: boolean },
): Promise<DataDetail> {
  const { uploadTree } = await import('../../transfer/upload-tree.ts');
  const data = await uploadTree(client, source, options);
  try {
    interrupted.throwIfAborted();
    return tags.length === 0 ? data : await client.tagData(data.knitId, { add: [...tags] });
  } catch (error) {
    await takeBack(command, data, error);
    throw error;
  }
}

async function takeBack(command: Command, { knitId, upstream }: DataDetail, cause: unknown): Promise<void> {
  const client = await connect(command, { interruptible: false });
  try {
    await client.deleteRun(upstream.run.runId);
  } catch (error) {
    note(`knit: the Data ${knitId} is left behind without its tags: ${(error as KnitError).message}`);
    note(`  It is there because of this: ${(cause as Error).message}`);
  } finally {
    client.close();
  }
}
