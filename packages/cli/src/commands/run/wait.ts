import { setTimeout } from 'node:timers/promises';
import type { Client, RunDetail } from '@knitfab/api';
import { isFinished, parseDuration, parseRunId, Unavailable } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { Failed } from '../../exit.ts';
import { interrupted } from '../../interrupt.ts';
import { duration } from '../../options/values.ts';
import { note, print } from '../../output/print.ts';
import { runTable } from '../../output/run.ts';
import { example } from '../example.ts';

/** How often the server is asked, in milliseconds. */
const interval = 300;
const inProgress = ['waiting', 'ready', 'starting', 'running', 'completing', 'aborting'];

export const wait = new Command('wait')
  .description('wait until Runs have ended; without RUN_ID, until none is in progress')
  .argument('[RUN_ID...]', 'the Runs')
  .option('--timeout <DURATION>', 'give up after this time: 90s, 24h', duration)
  .addHelpText(
    'after',
    `\nIt fails when one of the Runs has failed.\n${example('knit run wait RUN_ID', 'knit run wait --timeout 10m')}`,
  )
  .action(async (ids: string[], { timeout }: { timeout?: string }, command: Command) => {
    const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : Date.now() + parseDuration(timeout);
    const client = await connect(command);
    const ended = await untilEnded(client, ids.map(parseRunId), deadline);
    await print(command, ended, runTable);
    client.close();
    const failed = ended.filter(({ status }) => status === 'failed').length;
    if (failed > 0) {
      note(
        `knit: ${failed} of ${ended.length} Runs failed. \`knit run show --log RUN_ID\` shows what they wrote.`,
      );
      throw new Failed();
    }
  });

/** The Runs once they have ended; without ids, those that were seen in progress. */
async function untilEnded(client: Client, ids: readonly string[], deadline: number): Promise<RunDetail[]> {
  const seen = new Set<string>(ids);
  for (;;) {
    const going =
      ids.length === 0 ? await client.findRuns({ status: inProgress }) : await unfinished(client, ids);
    for (const { runId } of going) seen.add(runId);
    if (going.length === 0) return await Promise.all([...seen].map((runId) => client.getRun(runId)));
    if (Date.now() > deadline) {
      throw new Unavailable({
        reason: `${going.length} Runs have not ended in time, such as ${going[0]?.runId}, which is ${going[0]?.status}`,
        advice: 'Wait longer, or see what holds them up with `knit run show RUN_ID`.',
      });
    }
    await setTimeout(interval, undefined, { signal: interrupted }).catch(() => interrupted.throwIfAborted());
  }
}

async function unfinished(client: Client, ids: readonly string[]): Promise<RunDetail[]> {
  const runs = await Promise.all(ids.map((runId) => client.getRun(runId)));
  return runs.filter(({ status }) => !isFinished(status));
}
