import { setTimeout } from 'node:timers/promises';
import type { Client, RunDetail } from '@knitfab/api';
import { isFinished, parseDuration, parseRunId, Unavailable, visibleRunStatuses } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { Failed } from '../../exit.ts';
import { interrupted } from '../../interrupt.ts';
import { duration } from '../../options/values.ts';
import { note, print } from '../../output/print.ts';
import { runTable } from '../../output/run.ts';
import { example } from '../example.ts';

/** How often the server is asked, in milliseconds. */
const interval = 200;
/** Between a Run's end and the start of those that it brings about there is a moment without any, in milliseconds. */
const lull = 1000;
const inProgress = visibleRunStatuses.filter((status) => status !== 'deactivated' && !isFinished(status));

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
    const runs = await (ids.length === 0 ? untilQuiet(client, deadline) : untilEnded(client, ids, deadline));
    await print(command, runs, runTable);
    client.close();
    const failed = runs.filter(({ status }) => status === 'failed').length;
    if (failed === 0) return;
    note(
      `knit: ${failed} of ${runs.length} Runs failed. \`knit run show --log RUN_ID\` shows what they wrote.`,
    );
    throw new Failed();
  });

/** These Runs, once all of them have ended. */
async function untilEnded(client: Client, ids: readonly string[], deadline: number): Promise<RunDetail[]> {
  const runIds = ids.map(parseRunId);
  for (;;) {
    const runs = await Promise.all(runIds.map((runId) => client.getRun(runId)));
    const going = runs.filter(({ status }) => !isFinished(status));
    if (going.length === 0) return runs;
    await pause(going, deadline);
  }
}

/** The Runs that ended meanwhile, once none has been in progress for a moment. */
async function untilQuiet(client: Client, deadline: number): Promise<RunDetail[]> {
  const since = new Date().toISOString();
  const seen = new Set<string>();
  for (let quietSince = Date.now(); Date.now() < quietSince + lull; ) {
    const going = await client.findRuns({ status: inProgress });
    for (const { runId } of going) seen.add(runId);
    if (going.length > 0) quietSince = Date.now();
    await pause(going, deadline);
  }
  for (const { runId, plan } of await client.findRuns({ since }))
    if (plan.image !== undefined) seen.add(runId);
  return await Promise.all([...seen].map((runId) => client.getRun(runId)));
}

async function pause(going: readonly RunDetail[], deadline: number): Promise<void> {
  const [first] = going;
  if (first !== undefined && Date.now() > deadline) {
    const others = going.length === 1 ? '' : `, and ${going.length - 1} more`;
    throw new Unavailable({
      reason: `the Run ${first.runId} is still ${first.status}${others}`,
      advice: `Wait longer, or see what holds it up: knit run show ${first.runId}`,
    });
  }
  await setTimeout(interval, undefined, { signal: interrupted }).catch(() => interrupted.throwIfAborted());
}
