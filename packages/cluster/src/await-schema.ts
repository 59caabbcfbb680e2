import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '@knitfab/core';
import type { LoopLog } from '@knitfab/engine';
import { isSchemaCurrent, type Store } from '@knitfab/store';

const pauseMilliseconds = 1000;

/**
 * Waits for the database, and while its schema is older than this program's: `migrate` brings it forward.
 * @throws {Conflict} when it is newer
 */
export async function awaitSchema(
  { db }: Store,
  log: Pick<LoopLog, 'warn'>,
  ending: AbortSignal,
): Promise<void> {
  let told = '';
  while (!ending.aborted) {
    let waitsFor = 'the schema of the database is older than this program: waiting for its migration';
    try {
      if (await isSchemaCurrent(db)) return;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      waitsFor = `${error.reason}: waiting for it`;
    }
    if (waitsFor !== told) log.warn({}, waitsFor);
    told = waitsFor;
    await sleep(pauseMilliseconds, undefined, { signal: ending }).catch(() => {});
  }
}
