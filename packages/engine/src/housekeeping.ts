import {
  claimBrokenUploads,
  discardUpload,
  holdWithoutWorker,
  runsWithoutWorker,
  type Store,
  transaction,
} from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import type { Loop } from './loop.ts';
import { runOfWorker, workerName } from './run-management/worker-spec.ts';

/**
 * Removes what was left behind: uploads whose server went away, and workers that no Run has any more.
 */
export function housekeepingLoop({ db }: Store, { workers }: Pick<Drivers, 'workers'>): Loop {
  return {
    name: 'housekeeping',
    topics: [],
    async step() {
      await transaction(db, async (tx) => {
        for (const runId of await claimBrokenUploads(tx, 100)) await discardUpload(tx, { runId });
      });
      const existing = (await workers.list()).flatMap((name) => runOfWorker(name) ?? []);
      for (const runId of await runsWithoutWorker(db, existing)) {
        await transaction(db, async (tx) => {
          // The Run may have been retried meanwhile: while its row is held, nobody starts it.
          if (await holdWithoutWorker(tx, runId)) await workers.remove(workerName(runId));
        });
      }
      return { more: false };
    },
  };
}
