import { claimBrokenUploads, discardUpload, type Store, strayWorkers, transaction } from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import type { Loop } from './loop.ts';

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
      const existing = await workers.list();
      if (existing.length > 0) {
        for (const name of await strayWorkers(db, existing)) await workers.remove(name);
      }
      return { more: false };
    },
  };
}
