import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from '@knitfab/api';
import { parseRunId } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { UsageError } from '../../exit.ts';
import { interrupted } from '../../interrupt.ts';
import { print } from '../../output/print.ts';
import { runRecord } from '../../output/run.ts';
import { terminalLog } from '../../output/terminal-log.ts';
import { example } from '../example.ts';

interface ShowOptions {
  readonly log?: boolean;
  readonly follow?: boolean;
}

export const show = new Command('show')
  .description('show a Run, or what it has written to its log')
  .argument('<RUN_ID>', 'the Run')
  .option('--log', 'show its log instead')
  .option('-f, --follow', 'with --log: also what it will write, until it ends')
  .addHelpText('after', example('knit run show RUN_ID', 'knit run show --log --follow RUN_ID'))
  .action(async (id: string, { log = false, follow = false }: ShowOptions, command: Command) => {
    if (follow && !log) throw new UsageError('--follow goes with --log');
    const runId = parseRunId(id);
    const client = await connect(command);
    if (log) await printLog(follow ? await followed(client, runId) : await client.getRunLog(runId));
    else await print(command, await client.getRun(runId), runRecord);
    client.close();
  });

async function followed(client: Client, runId: string): Promise<AsyncIterable<Buffer>> {
  const { followLog } = await import('../../waiting/follow-log.ts');
  return followLog(client, runId, interrupted);
}

/** The bytes as they are; a terminal gets none that it would obey. */
async function printLog(log: AsyncIterable<Buffer>): Promise<void> {
  const output = process.stdout.isTTY ? terminalLog(log) : log;
  await pipeline(Readable.from(output), process.stdout, { end: false });
}
