import { listen, type Store } from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { finishingLoop } from './finishing.ts';
import { garbageCollectionLoop } from './garbage-collection.ts';
import { housekeepingLoop } from './housekeeping.ts';
import { initializeLoop } from './initialize.ts';
import { type Loop, type LoopLog, LoopRunner } from './loop.ts';
import { projectionLoop } from './projection.ts';
import { WorkerObserver } from './run-management/observe-workers.ts';
import { startWorkersLoop } from './run-management/start-workers.ts';

export interface EngineOptions {
  store: Store;
  drivers: Drivers;
  log: LoopLog;
}

/** How many Runs that users have stopped are ended side by side. */
const stoppingLanes = 4;

/** Runs all loops until the signal aborts; each then finishes its present step. */
export async function runEngine({ store, drivers, log }: EngineOptions, signal: AbortSignal): Promise<void> {
  const observer = new WorkerObserver(store, drivers);
  const observing = new LoopRunner(observer, log);
  const loops: Loop[] = [
    projectionLoop(store),
    initializeLoop(store, drivers),
    startWorkersLoop(store, drivers),
    finishingLoop(store, drivers, { stopped: false }),
    ...Array.from({ length: stoppingLanes }, () => finishingLoop(store, drivers, { stopped: true })),
    garbageCollectionLoop(store, drivers),
    housekeepingLoop(store, drivers),
  ];
  const runners = [observing, ...loops.map((loop) => new LoopRunner(loop, log))];
  const wake = (topic: string | undefined) => {
    for (const runner of runners) {
      if (topic === undefined || runner.topics.some((each) => each === topic)) runner.wake();
    }
  };
  const onChange = (worker: string) => {
    observer.noteChange(worker);
    observing.wake();
  };
  await Promise.all([
    listen(store.options, wake, signal),
    drivers.workers.watch(onChange, signal),
    ...runners.map((runner) => runner.run(signal)),
  ]);
}
