import { type Exit, exitOfWorker, exits, type FailureCause, type RunId } from '@knitfab/core';
import {
  type ClaimedRun,
  changeStatus,
  claimRuns,
  type Observation,
  recordObservations,
  runsUnderWay,
  type Store,
  type Tx,
  transaction,
} from '@knitfab/store';
import type { Drivers, WorkerState } from '../drivers.ts';
import type { Loop } from '../loop.ts';
import { runOfWorker, workerName } from './worker-spec.ts';

const limit = 100;

/** How long a worker may take until it runs, unless told otherwise: longer than any image takes to be pulled. */
const defaultStartDeadlineMilliseconds = 3_600_000;

/** The exit code of a worker that never ran (spec page 2). */
const notStarted = 255;

/** How often all workers are looked at, for events that were missed. */
const resyncMilliseconds = 60_000;

/** Follows workers: starting → running → completing or aborting. It is told which to look at. */
export class WorkerObserver implements Loop {
  readonly name = 'run-management (observe)';
  // A worker can be seen before the transaction that started it has committed.
  readonly topics = ['run:starting'] as const;
  readonly #store: Store;
  readonly #workers: Drivers['workers'];
  readonly #startDeadlineMilliseconds: number;
  readonly #changed = new Set<RunId>();
  readonly #pendingSince = new Map<RunId, number>();
  #resyncAt = 0;

  constructor(
    store: Store,
    { workers }: Pick<Drivers, 'workers'>,
    startDeadlineMilliseconds = defaultStartDeadlineMilliseconds,
  ) {
    this.#store = store;
    this.#workers = workers;
    this.#startDeadlineMilliseconds = startDeadlineMilliseconds;
  }

  /** Notes that a worker's state has changed; the next step looks at it. */
  noteChange(worker: string): void {
    const runId = runOfWorker(worker);
    if (runId !== undefined) this.#changed.add(runId);
  }

  async step() {
    if (Date.now() >= this.#resyncAt) {
      for (const runId of await runsUnderWay(this.#store.db)) this.#changed.add(runId);
      this.#resyncAt = Date.now() + resyncMilliseconds;
    }
    for (const [runId, since] of this.#pendingSince) {
      if (performance.now() - since >= this.#startDeadlineMilliseconds) this.#changed.add(runId);
    }
    const looked = [...this.#changed].slice(0, limit);
    if (looked.length === 0) return { more: false, nextAt: new Date(this.#nextLook()) };
    // A change that comes from here on is looked at in the next step.
    for (const runId of looked) this.#changed.delete(runId);
    let claimed: Set<RunId>;
    try {
      claimed = await transaction(this.#store.db, (tx) => this.#observe(tx, looked));
      await this.#keepUncertain(looked, claimed);
    } catch (error) {
      for (const runId of looked) this.#changed.add(runId);
      throw error;
    }
    const more = this.#changed.size > 0 && looked.length === limit;
    return { more, nextAt: new Date(this.#nextLook()), done: claimed.size };
  }

  /** Runs that another copy has at the moment, or whose start is not committed, are looked at again. */
  async #keepUncertain(looked: RunId[], claimed: ReadonlySet<RunId>): Promise<void> {
    const rest = looked.filter((runId) => !claimed.has(runId));
    if (rest.length === 0) return;
    for (const runId of rest) this.#pendingSince.delete(runId);
    for (const runId of await runsUnderWay(this.#store.db, rest)) this.#changed.add(runId);
  }

  #nextLook(): number {
    if (this.#changed.size > 0) return Date.now() + 200;
    const [first] = this.#pendingSince.values(); // in the order of their coming
    if (first === undefined) return this.#resyncAt;
    const left = first + this.#startDeadlineMilliseconds - performance.now();
    return Math.min(this.#resyncAt, Date.now() + Math.max(0, left));
  }

  async #observe(tx: Tx, runIds: RunId[]): Promise<Set<RunId>> {
    const claimed = await claimRuns(tx, { statuses: ['starting', 'running'], limit, among: runIds });
    const seen = await Promise.all(
      claimed.map(async (run) => ({
        run,
        state: this.#inTime(run.runId, await this.#workers.inspect(run.worker ?? workerName(run.runId))),
      })),
    );
    await recordObservations(
      tx,
      seen.map(({ run, state }) => observation(run, state)),
    );
    const moving = (to: 'running' | 'completing' | 'aborting') =>
      seen.filter(({ run, state }) => next(run, state) === to).map(({ run }) => run.runId);
    for (const to of ['running', 'completing', 'aborting'] as const) {
      await changeStatus(tx, { runIds: moving(to), to });
    }
    return new Set(claimed.map((run) => run.runId));
  }

  /**
   * A worker that has not come to run for too long is given up, with what it waited for as the reason. Measured by a clock
   * that nobody sets: it begins anew with each start of the engine.
   */
  #inTime(runId: RunId, state: WorkerState): WorkerState {
    if (state.phase !== 'pending') {
      this.#pendingSince.delete(runId);
      return state;
    }
    const since = this.#pendingSince.get(runId) ?? performance.now();
    this.#pendingSince.set(runId, since);
    if (performance.now() - since < this.#startDeadlineMilliseconds) return state;
    this.#pendingSince.delete(runId);
    const reason = state.reason ?? 'the worker did not start in time';
    return { phase: 'ended', code: notStarted, reason, cause: 'lost' };
  }
}

/** Spec page 5, "Job state → Run"; the same for every driver. */
function next(run: ClaimedRun, state: WorkerState): 'running' | 'completing' | 'aborting' | undefined {
  switch (state.phase) {
    case 'pending':
      return undefined;
    case 'running':
      return run.status === 'starting' ? 'running' : undefined;
    case 'ended':
      return state.code === 0 ? 'completing' : 'aborting';
    case 'missing':
      return 'aborting';
  }
}

function observation({ runId }: ClaimedRun, state: WorkerState): Observation {
  const exit: Exit | undefined =
    state.phase === 'ended'
      ? exitOfWorker(state.code, state.reason)
      : state.phase === 'missing'
        ? exits.lost
        : undefined;
  const cause: FailureCause | undefined =
    exit === undefined || exit.code === 0
      ? undefined
      : state.phase === 'ended'
        ? (state.cause ?? 'error')
        : 'lost';
  return {
    runId,
    ...(exit && { exit }),
    ...(cause && { cause }),
    ...('execution' in state && state.execution && { execution: state.execution }),
    ...(state.phase === 'pending' && state.reason !== undefined && { problem: state.reason }),
  };
}
