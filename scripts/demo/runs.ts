import { setTimeout as delay } from 'node:timers/promises';
import type { PlanDetail, RunDetail } from '@knitfab/api';

/** How often to look, and for how long at most, in milliseconds. */
const [interval, patience] = [100, 120_000];

/** The Runs of Plans; what was pushed has Runs of a pseudo plan. */
export const ofPlans = (runs: readonly RunDetail[]): RunDetail[] =>
  runs.filter((run) => run.plan.image !== undefined);

export async function planRuns(url: string, signal: AbortSignal): Promise<RunDetail[]> {
  const response = await fetch(`${url}/api/runs/`, { signal }).catch((cause) => {
    if (signal.aborted) throw cause;
    throw new Error(`the server at ${url} does not answer any more`, { cause });
  });
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return ofPlans((await response.json()) as RunDetail[]);
}

/**
 * Waits until there are `expected` Runs of Plans and all are done; calls back once for each that was not done before.
 * @param known ids of the Runs that were seen done; those that get done are added
 * @throws {Error} when a Run fails, when there are more Runs than expected, or when it takes too long
 */
export async function untilDone(props: {
  url: string;
  expected: number;
  known: Set<string>;
  onDone: (run: RunDetail, all: readonly RunDetail[]) => void;
  signal: AbortSignal;
}): Promise<RunDetail[]> {
  const deadline = Date.now() + patience;
  for (;;) {
    const runs = await planRuns(props.url, props.signal);
    const failed = runs.find((run) => run.status === 'failed');
    if (failed !== undefined) throw await failure(failed, props);
    if (runs.length > props.expected) {
      throw new Error(`there are ${runs.length} Runs, ${props.expected} combinations were expected`);
    }
    const done = runs.filter((run) => run.status === 'done');
    for (const run of done.filter((run) => !props.known.has(run.runId))) {
      props.known.add(run.runId);
      props.onDone(run, runs);
    }
    if (done.length === props.expected) return runs;
    if (Date.now() > deadline) {
      const rest = runs.filter((run) => run.status !== 'done');
      const states = rest.map((run) => `  ${run.runId} ${nameOf(run)} ${run.status} ${run.problem ?? ''}`);
      throw new Error(
        `after ${patience / 1000} s only ${done.length} of ${props.expected} Runs are done; the others:\n${states.join('\n')}`,
      );
    }
    await delay(interval, undefined, { signal: props.signal });
  }
}

async function failure(
  run: RunDetail,
  { url, signal }: { url: string; signal: AbortSignal },
): Promise<Error> {
  const exit = run.exit === undefined ? '' : ` with exit code ${run.exit.code} ${run.exit.message}`;
  const log = await fetch(`${url}/api/runs/${run.runId}/log`, { signal }).then((answer) => answer.text());
  return new Error(`the Run ${run.runId} of ${nameOf(run)} failed${exit}; it wrote:\n${log.trimEnd()}`);
}

/** The name that the example's Plans carry as an annotation. */
export const nameOf = ({ plan }: Pick<RunDetail, 'plan'>): string =>
  plan.annotations?.find((annotation) => annotation.startsWith('name='))?.slice('name='.length) ??
  plan.image ??
  plan.name ??
  plan.planId;

/** How long the worker took, in seconds, as far as the server knows. */
export function secondsOf({ execution }: RunDetail): string {
  const { startedAt, endedAt } = execution ?? {};
  if (startedAt === undefined || endedAt === undefined) return '–';
  return `${((Date.parse(endedAt) - Date.parse(startedAt)) / 1000).toFixed(2)} s`;
}

/**
 * Sees to it that no worker goes on when the server stops: workers outlive it, so that a later one finds them again.
 * Takes the Plans out of service, and aborts the Runs that are not finished.
 */
export async function abortAll(url: string): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  const plans = await fetch(`${url}/api/plans/?active=true`, { signal });
  for (const { planId } of (await plans.json()) as PlanDetail[]) {
    await fetch(`${url}/api/plans/${planId}/active`, { method: 'DELETE', signal });
  }
  for (;;) {
    const unfinished = (await planRuns(url, signal)).filter(({ status }) => !idle.includes(status));
    if (unfinished.length === 0) return;
    for (const { runId } of unfinished) {
      // 409 when it has just ended by itself.
      await fetch(`${url}/api/runs/${runId}/abort`, { method: 'PUT', signal });
    }
    await delay(interval, undefined, { signal });
  }
}

/** States in which a Run has no worker and will get none from a server that stops. */
const idle: readonly RunDetail['status'][] = ['deactivated', 'done', 'failed'];
