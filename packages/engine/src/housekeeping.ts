import type { RunId } from '@knitfab/core';
import {
  claimBrokenUploads,
  discardUpload,
  foldRunCounts,
  holdWithoutWorker,
  runsWithoutWorker,
  type Store,
  transaction,
  trimEvents,
} from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import type { Loop } from './loop.ts';
import { counts, type Outcome, sideBySide } from './outcome.ts';
import { runOfWorker, workerName } from './run-management/worker-spec.ts';

/**
 * Removes what was left behind: uploads whose server went away, workers that no Run has any more, and events that are told.
 */
export function housekeepingLoop({ db }: Store, { workers }: Pick<Drivers, 'workers'>): Loop {
  const remove = ({ runId }: { runId: RunId }) =>
    transaction(db, async (tx) => {
      // The Run may have been retried meanwhile: while its row is held, nobody starts it.
      if (await holdWithoutWorker(tx, runId)) await workers.remove(workerName(runId));
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
      const existing = (await workers.list()).flatMap((name) => runOfWorker(name) ?? []);
      const strays = (await runsWithoutWorker(db, existing)).map((runId) => ({ runId }));
      const removals: Outcome<{ runId: RunId }>[] = [];
      for (const stray of strays) removals.push(...(await sideBySide([stray], remove)));
      const { done: removed, failed } = counts(removals);
      return { more, done: done + removed, failed };
    },
  };
}
