import type { RunDetail } from '@knitfab/api';
import { isFinished, parseDuration, parseRunId, Unavailable } from '@knitfab/core';
import { Command } from 'commander';
import { connect } from '../../connect.ts';
import { Failed, UsageError } from '../../exit.ts';
import { interrupted } from '../../interrupt.ts';
import { duration, ids } from '../../options/values.ts';
import { note, printList } from '../../output/print.ts';
import { runList } from '../../output/run.ts';
import { holdUp } from '../../waiting/narration.ts';
import { example } from '../example.ts';

/** The longest that a timer of the system lasts, in milliseconds: 24 days. */
const longestTimer = 2 ** 31 - 1;
/** How long the first look may take, in milliseconds. */
const firstLook = 10_000;
/** So many Runs that failed are named. */
const mostNamed = 10;

interface WaitOptions {
  readonly plan?: readonly string[];
  readonly timeout?: string;
}

export const wait = new Command('wait')
  .description('wait until Runs have ended; without RUN_ID, until none is in progress')
  .argument('[RUN_ID...]', 'the Runs')
  .option('-p, --plan <PLAN_ID>', 'wait for Runs of this Plan; may be given several times: any of them', ids)
  .option('--timeout <DURATION>', 'give up after this time: 90s, 24h', duration)
  .addHelpText(
    'after',
    `\nIt goes on when the server is restarted, and fails when one of the Runs has failed.\n${example(
      'knit run wait RUN_ID',
      'knit run wait --timeout 10m',
      'knit run wait --plan PLAN_ID',
    )}`,
  )
  .action(async (given: string[], { plan = [], timeout }: WaitOptions, command: Command) => {
    if (given.length > 0 && plan.length > 0) throw new UsageError('give either RUN_ID or --plan');
    const deadline = new AbortController();
    const giveUpAfter = (milliseconds: number) =>
      setTimeout(() => deadline.abort(), Math.min(milliseconds, longestTimer)).unref();
    const patience = timeout === undefined ? longestTimer : parseDuration(timeout);
    const runIds = given.map(parseRunId);
    const [client, { RunEnds }] = await Promise.all([connect(command), import('../../waiting/run-ends.ts')]);
    const signal = AbortSignal.any([interrupted, deadline.signal]);
    // However short the time is, there is one look at the Runs, unless the server takes far too long.
    const ends = new RunEnds(client, signal, () => giveUpAfter(patience));
    giveUpAfter(patience + firstLook);
    try {
      await (runIds.length > 0 ? ends.of(runIds) : ends.ofAll(plan));
    } catch (error) {
      if (!deadline.signal.aborted || interrupted.aborted) throw error;
      throw stillGoing([...ends.runs.values()], timeout);
    } finally {
      client.close();
    }
    const runs = [...ends.runs.values()];
    if (!ends.hasWaited && runs.length > 0) note('Nothing to wait for: they have ended already.');
    await printList(command, runs, { ...runList, none: 'Nothing to wait for: no Run is in progress.' });
    failIfAnyFailed(runs);
  });

function failIfAnyFailed(runs: readonly RunDetail[]): void {
  const failed = runs.filter(({ status }) => status === 'failed').map(({ runId }) => runId);
  if (failed.length === 0) return;
  const more = failed.length > mostNamed ? `, and ${failed.length - mostNamed} more` : '';
  note(`knit: ${failed.length} of ${runs.length} Runs failed: ${failed.slice(0, mostNamed).join(', ')}${more}
  \`knit run show --log RUN_ID\` shows what they wrote.`);
  throw new Failed();
}

function stillGoing(runs: readonly RunDetail[], timeout: string | undefined): Unavailable {
  const going = runs.filter(({ status }) => !isFinished(status));
  const [first] = going;
  const others = going.length > 1 ? `, and ${going.length - 1} more` : '';
  return new Unavailable({
    reason: first
      ? `after ${timeout}, the Run ${first.runId} is still ${holdUp(first) || first.status}${others}`
      : `after ${timeout}, the server has not said how the Runs get on`,
    advice: `Wait longer${first ? `, or see what holds it up: knit run show ${first.runId}` : ''}`,
  });
}
