import { listen, type Store } from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { finishingLoop } from './finishing.ts';
import { garbageCollectionLoop } from './garbage-collection.ts';
import { housekeepingLoop } from './housekeeping.ts';
import { initializeLoop } from './initialize.ts';
import { type Loop, type LoopLog, type LoopObserver, LoopRunner } from './loop.ts';
import { nominationLoop } from './nomination.ts';
import { projectionLoop } from './projection.ts';
import { WorkerObserver } from './run-management/observe-workers.ts';
import { startWorkersLoop } from './run-management/start-workers.ts';

export interface EngineOptions {
  store: Store;
  drivers: Drivers;
  log: LoopLog;
  /** Told of every step, to count it. */
  observer?: LoopObserver;
  /** How long a worker may take until it runs; an hour when absent. */
  startDeadlineMilliseconds?: number;
}

/** How many Runs that users have stopped are ended side by side. */
const stoppingLanes = 4;

/** One copy of each loop; the first one is told of workers that have changed. */
export function engineLoops({
  store,
  drivers,
  startDeadlineMilliseconds,
}: Omit<EngineOptions, 'log' | 'observer'>): [WorkerObserver, ...Loop[]] {
  return [
    new WorkerObserver(store, drivers, startDeadlineMilliseconds),
    nominationLoop(store),
    projectionLoop(store),
    initializeLoop(store, drivers),
    startWorkersLoop(store, drivers),
    finishingLoop(store, drivers, { stopped: false }),
    ...Array.from({ length: stoppingLanes }, () => finishingLoop(store, drivers, { stopped: true })),
    garbageCollectionLoop(store, drivers),
    housekeepingLoop(store, drivers),
  ];
}

/** Runs all loops until the signal aborts; each then finishes its present step. */
export async function runEngine(options: EngineOptions, signal: AbortSignal): Promise<void> {
  const { store, drivers, log, observer } = options;
  const [workerObserver, ...loops] = engineLoops(options);
  const observing = new LoopRunner(workerObserver, log, observer);
  const runners = [observing, ...loops.map((loop) => new LoopRunner(loop, log, observer))];
  const wake = (topic: string | undefined) => {
    for (const runner of runners) {
      if (topic === undefined || runner.topics.some((each) => each === topic)) runner.wake();
    }
  };
  const onChange = (worker: string) => {
    workerObserver.noteChange(worker);
    observing.wake();
  };
  await Promise.all([
    listen(store.options, wake, signal),
    drivers.workers.watch(onChange, signal),
    ...runners.map((runner) => runner.run(signal)),
  ]);
}
