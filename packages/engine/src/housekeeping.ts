import {
  claimBrokenUploads,
  discardUpload,
  foldRunCounts,
  holdStrayWorker,
  type NamedWorker,
  type Store,
  strayWorkers,
  transaction,
  trimEvents,
} from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import type { Loop } from './loop.ts';
import { counts, type Outcome, sideBySide } from './outcome.ts';
import { namedWorkers } from './run-management/worker-spec.ts';

/**
 * Removes what was left behind: uploads whose server went away, workers that no Run has any more, and events that are told.
 */
export function housekeepingLoop({ db }: Store, { workers }: Pick<Drivers, 'workers'>): Loop {
  const remove = (worker: NamedWorker) =>
    transaction(db, async (tx) => {
      // The Run may have been retried meanwhile: while its row is held, nobody starts it.
      if (await holdStrayWorker(tx, worker)) await workers.remove(worker.name);
    });
  return {
    name: 'housekeeping',
    topics: [],
    async step() {
      const done = await transaction(db, async (tx) => {
        const broken = await claimBrokenUploads(tx, 100);
        for (const runId of broken) await discardUpload(tx, { runId });
        return broken.length;
      });
      await transaction(db, foldRunCounts);
      const more = await transaction(db, (tx) => trimEvents(tx));
      const strays = await strayWorkers(db, namedWorkers(await workers.list()));
      const removals: Outcome<NamedWorker>[] = [];
      for (const stray of strays) removals.push(...(await sideBySide([stray], remove)));
      const { done: removed, failed } = counts(removals);
      return { more, done: done + removed, failed };
    },
  };
}
