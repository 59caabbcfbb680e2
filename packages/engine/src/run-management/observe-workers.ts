import { type Exit, exitOfWorker, exits, type FailureCause, type RunId } from '@knitfab/core';
import {
  type ClaimedRun,
  changeStatus,
  claimRuns,
  type Observation,
  recordObservations,
  runsUnderWay,
  type Store,
  startedRuns,
  type Tx,
  transaction,
} from '@knitfab/store';
import type { Drivers, WorkerState } from '../drivers.ts';
import type { Loop } from '../loop.ts';
import { counts, type Outcome, sideBySide } from '../outcome.ts';
import { runOfWorker, workerName } from './worker-spec.ts';

const limit = 100;

/** How long a worker may take until it runs, unless told otherwise: longer than any image takes to be pulled. */
const defaultStartDeadlineMilliseconds = 3_600_000;

/** The exit code of a worker that never ran (spec page 2). */
const notStarted = 255;

/** How often all workers are looked at, for events that were missed. */
const resyncMilliseconds = 60_000;

/** When to look again for what somebody else has at the moment; and for what is not committed, should nobody tell of it. */
const soonMilliseconds = 200;
const laterMilliseconds = 1000;

/** Pauses before a worker that could not be looked at is looked at again: they double. */
const pauses = { first: 1000, longest: 5000 };

export interface ObserverOptions {
  /** How long a worker may take until it runs; an hour when absent. */
  startDeadlineMilliseconds?: number | undefined;
  /** A clock that nobody sets, in milliseconds; that of this process when absent. */
  now?: () => number;
}

/** Follows workers: starting → running → completing or aborting. It is told which to look at. */
export class WorkerObserver implements Loop {
  readonly name = 'run-management (observe)';
  // A worker can be seen before the transaction that started it has committed.
  readonly topics = ['run:starting'] as const;
  readonly #store: Store;
  readonly #workers: Drivers['workers'];
  readonly #startDeadlineMilliseconds: number;
  readonly #changed = new Set<RunId>();
  /** Seen by the driver before the transaction that starts them has committed: `run:starting` tells of that. */
  readonly #early = new Set<RunId>();
  /** Those that could not be looked at, until when they are left alone, and how long that was. */
  readonly #postponed = new Map<RunId, { until: number; pause: number }>();
  readonly #pendingSince = new Map<RunId, number>();
  readonly #now: () => number;
  #resyncAt = 0;

  constructor(
    store: Store,
    { workers }: Pick<Drivers, 'workers'>,
    {
      startDeadlineMilliseconds = defaultStartDeadlineMilliseconds,
      now = () => performance.now(),
    }: ObserverOptions = {},
  ) {
    this.#store = store;
    this.#workers = workers;
    this.#startDeadlineMilliseconds = startDeadlineMilliseconds;
    this.#now = now;
  }

  /** Notes that a worker's state has changed; the next step looks at it. */
  noteChange(worker: string): void {
    const runId = runOfWorker(worker);
    if (runId !== undefined) this.#changed.add(runId);
  }

  async step() {
    await this.#collect();
    const looked = [...this.#changed].slice(0, limit);
    if (looked.length === 0) return { more: false, nextAt: this.#nextLook() };
    // A change that comes from here on is looked at in the next step.
    for (const runId of looked) this.#changed.delete(runId);
    let outcomes: Outcome<ClaimedRun>[];
    try {
      outcomes = await transaction(this.#store.db, (tx) => this.#observe(tx, looked));
      await this.#keepUncertain(looked, new Set(outcomes.map(({ row }) => row.runId)));
    } catch (error) {
      for (const runId of looked) this.#changed.add(runId);
      throw error;
    }
    for (const { row, error } of outcomes) {
      if (error === undefined) this.#postponed.delete(row.runId);
      else this.#postpone(row.runId);
    }
    const more = outcomes.length > 0 && this.#changed.size > 0 && looked.length === limit;
    return { more, nextAt: this.#nextLook(), ...counts(outcomes) };
  }

  /** Adds what has to be looked at though nobody has told of it. */
  async #collect(): Promise<void> {
    const now = this.#now();
    if (now >= this.#resyncAt) {
      for (const runId of await startedRuns(this.#store.db)) this.#changed.add(runId);
      this.#resyncAt = now + resyncMilliseconds;
    }
    for (const [runId, since] of this.#pendingSince) {
      if (now - since >= this.#startDeadlineMilliseconds) this.#changed.add(runId);
    }
    for (const runId of this.#early) this.#changed.add(runId);
    this.#early.clear();
    for (const [runId, { until }] of this.#postponed) {
      if (now >= until) this.#changed.add(runId);
      else this.#changed.delete(runId);
    }
  }

  #postpone(runId: RunId): void {
    const last = this.#postponed.get(runId);
    const pause = last === undefined ? pauses.first : Math.min(last.pause * 2, pauses.longest);
    this.#postponed.set(runId, { until: this.#now() + pause, pause });
  }

  /** Runs that another copy has at the moment, or whose start is not committed, are looked at again. */
  async #keepUncertain(looked: RunId[], claimed: ReadonlySet<RunId>): Promise<void> {
    const rest = looked.filter((runId) => !claimed.has(runId));
    if (rest.length === 0) return;
    for (const runId of rest) {
      this.#pendingSince.delete(runId);
      this.#postponed.delete(runId);
    }
    const underWay = await runsUnderWay(this.#store.db, rest);
    const started = new Set(await startedRuns(this.#store.db, underWay));
    for (const runId of underWay) (started.has(runId) ? this.#changed : this.#early).add(runId);
  }

  #nextLook(): Date {
    const now = this.#now();
    const [first] = this.#pendingSince.values(); // in the order of their coming
    const next = Math.min(
      this.#resyncAt,
      ...(this.#changed.size > 0 ? [now + soonMilliseconds] : []),
      ...(this.#early.size > 0 ? [now + laterMilliseconds] : []),
      ...(first === undefined ? [] : [first + this.#startDeadlineMilliseconds]),
      ...[...this.#postponed.values()].map(({ until }) => until),
    );
    return new Date(Date.now() + Math.max(0, next - now));
  }

  /** Looks at workers side by side. One that can't be looked at does not hold up the others. */
  async #observe(tx: Tx, runIds: RunId[]): Promise<Outcome<ClaimedRun>[]> {
    const claimed = await claimRuns(tx, { statuses: ['starting', 'running'], limit, among: runIds });
    const seen: { run: ClaimedRun; state: WorkerState }[] = [];
    const outcomes = await sideBySide(claimed, async (run) => {
      const state = await this.#workers.inspect(run.worker ?? workerName(run.runId));
      seen.push({ run, state: this.#inTime(run.runId, state) });
    });
    await recordObservations(tx, [
      ...seen.map(({ run, state }) => observation(run, state)),
      ...outcomes.flatMap(({ row: { runId }, error }) =>
        error === undefined ? [] : [{ runId, problem: `its worker can't be looked at: ${error.message}` }],
      ),
    ]);
    const moving = (to: 'running' | 'completing' | 'aborting') =>
      seen.filter(({ run, state }) => next(run, state) === to).map(({ run }) => run.runId);
    for (const to of ['running', 'completing', 'aborting'] as const) {
      await changeStatus(tx, { runIds: moving(to), to });
    }
    return outcomes;
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
    const since = this.#pendingSince.get(runId) ?? this.#now();
    this.#pendingSince.set(runId, since);
    if (this.#now() - since < this.#startDeadlineMilliseconds) return state;
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
