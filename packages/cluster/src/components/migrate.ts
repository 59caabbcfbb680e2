import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '@knitfab/core';
import { openStore } from '@knitfab/store';
import { openLog } from '../log.ts';

/** How long a database that is being installed may take to answer. */
const patienceMilliseconds = 5 * 60_000;
const pauseMilliseconds = 1000;

/**
 * Brings the schema of the database forward to this program's, once the database answers; any number of times.
 * @throws {Conflict} when it is newer
 */
export async function migrate(): Promise<void> {
  const log = openLog('migrate', 'info');
  const store = openStore({ application_name: 'knitfab migrate' }, 1);
  const begun = performance.now();
  let told = '';
  try {
    for (;;) {
      try {
        await store.migrate();
        log.info('the schema of the database is that of this program');
        return;
      } catch (error) {
        if (!(error instanceof Unavailable) || performance.now() - begun > patienceMilliseconds) throw error;
        if (error.reason !== told) log.warn(`${error.reason}: trying again`);
        told = error.reason;
        await sleep(pauseMilliseconds);
      }
    }
  } finally {
    await store.close();
  }
}
