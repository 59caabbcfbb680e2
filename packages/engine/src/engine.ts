import { listen, type Store } from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { type EngineComponent, engineComponents } from './engine-components.ts';
import { finishingLoop } from './finishing.ts';
import { garbageCollectionLoop } from './garbage-collection.ts';
import { housekeepingLoop } from './housekeeping.ts';
import { initializeLoop } from './initialize.ts';
import { type Loop, type LoopLog, type LoopObserver, LoopRunner } from './loop.ts';
import { nominationLoop } from './nomination.ts';
import { projectionLoop } from './projection.ts';
import { WorkerObserver } from './run-management/observe-workers.ts';
import { startWorkersLoop } from './run-management/start-workers.ts';
import { spareVolumesLoops } from './spare-volumes.ts';

export interface EngineOptions {
  store: Store;
  /** `projection` alone works without: on the database only. */
  drivers?: Drivers;
  log: LoopLog;
  /** Those that run in this process; all of them when left out. */
  components?: readonly EngineComponent[];
  /** Told of every step, to count it. */
  observer?: LoopObserver;
  /** How long a worker may take until it runs; an hour when absent. */
  startDeadlineMilliseconds?: number;
}

type LoopOptions = Pick<EngineOptions, 'store' | 'drivers' | 'startDeadlineMilliseconds'>;

const loopsOf: Record<EngineComponent, (options: LoopOptions) => Loop[]> = {
  projection: ({ store }) => [nominationLoop(store), projectionLoop(store)],
  initialize: ({ store, drivers }) => [
    initializeLoop(store, there(drivers)),
    ...spareVolumesLoops(store, there(drivers)),
  ],
  'run-management': ({ store, drivers, startDeadlineMilliseconds }) => [
    new WorkerObserver(store, there(drivers), { startDeadlineMilliseconds }),
    startWorkersLoop(store, there(drivers)),
  ],
  finishing: ({ store, drivers }) => [
    finishingLoop(store, there(drivers), { stopped: false }),
    finishingLoop(store, there(drivers), { stopped: true }),
  ],
  'garbage-collection': ({ store, drivers }) => [garbageCollectionLoop(store, there(drivers))],
  housekeeping: ({ store, drivers }) => [housekeepingLoop(store, there(drivers))],
};

function there(drivers: Drivers | undefined): Drivers {
  if (drivers === undefined) throw new Error('only the component projection works without drivers');
  return drivers;
}

/** One copy of each loop. */
export const engineLoops = (options: LoopOptions): Loop[] =>
  engineComponents.flatMap((component) => loopsOf[component](options));

/** Runs the loops until the signal aborts; each then finishes its present step. */
export async function runEngine(options: EngineOptions, signal: AbortSignal): Promise<void> {
  const { store, drivers, log, observer, components = engineComponents } = options;
  const loops = components.flatMap((component) => loopsOf[component](options));
  const runners = loops.map((loop) => new LoopRunner(loop, log, observer));
  const wake = (topic: string | undefined) => {
    for (const runner of runners) {
      if (topic === undefined || runner.topics.some((each) => each === topic)) runner.wake();
    }
  };
  const watches = loops.flatMap((loop, index) => {
    if (!(loop instanceof WorkerObserver)) return [];
    const onChange = (worker: string) => {
      loop.noteChange(worker);
      runners[index]?.wake();
    };
    return [there(drivers).workers.watch(onChange, signal)];
  });
  await Promise.all([
    listen(store.options, wake, signal),
    ...watches,
    ...runners.map((runner) => runner.run(signal)),
  ]);
}
