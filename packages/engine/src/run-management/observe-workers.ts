import { type Exit, exitOfWorker, exits, type RunId } from '@knitfab/core';
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

/** How often all workers are looked at, for events that were missed. */
const resyncMilliseconds = 60_000;

/** Follows workers: starting → running → completing or aborting. It is told which to look at. */
export class WorkerObserver implements Loop {
  readonly name = 'run-management (observe)';
  // A worker can be seen before the transaction that started it has committed.
  readonly topics = ['run:starting'] as const;
  readonly #store: Store;
  readonly #workers: Drivers['workers'];
  readonly #changed = new Set<RunId>();
  #resyncAt = 0;

  constructor(store: Store, { workers }: Pick<Drivers, 'workers'>) {
    this.#store = store;
    this.#workers = workers;
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
    const looked = [...this.#changed].slice(0, limit);
    if (looked.length === 0) return { more: false };
    // A change that comes from here on is looked at in the next step.
    for (const runId of looked) this.#changed.delete(runId);
    try {
      const claimed = await transaction(this.#store.db, (tx) => this.#observe(tx, looked));
      await this.#keepUncertain(looked, claimed);
    } catch (error) {
      for (const runId of looked) this.#changed.add(runId);
      throw error;
    }
    return { more: this.#changed.size > 0 && looked.length === limit, nextAt: new Date(this.#nextLook()) };
  }

  /** Runs that another copy has at the moment, or whose start is not committed, are looked at again. */
  async #keepUncertain(looked: RunId[], claimed: ReadonlySet<RunId>): Promise<void> {
    const rest = looked.filter((runId) => !claimed.has(runId));
    if (rest.length === 0) return;
    for (const runId of await runsUnderWay(this.#store.db, rest)) this.#changed.add(runId);
  }

  #nextLook(): number {
    return this.#changed.size > 0 ? Date.now() + 200 : this.#resyncAt;
  }

  async #observe(tx: Tx, runIds: RunId[]): Promise<Set<RunId>> {
    const claimed = await claimRuns(tx, { statuses: ['starting', 'running'], limit, among: runIds });
    const seen = await Promise.all(
      claimed.map(async (run) => ({
        run,
        state: await this.#workers.inspect(run.worker ?? workerName(run.runId)),
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
  return {
    runId,
    ...(exit && { exit }),
    ...('execution' in state && state.execution && { execution: state.execution }),
    ...(state.phase === 'pending' && state.reason !== undefined && { problem: state.reason }),
  };
}
