import type { Readable } from 'node:stream';
import { NotFound, type RunId, Unavailable } from '@knitfab/core';
import { runLog, type Store } from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { workerName } from './run-management/worker-spec.ts';

/**
 * What a Run has written to stdout and stderr; with `follow`, also what it will write.
 * @throws {NotFound} when the Plan keeps no log
 * @throws {Unavailable} before the worker is started
 */
export async function readRunLog(
  { db }: Store,
  { workers }: Pick<Drivers, 'workers'>,
  runId: RunId,
  options: { follow: boolean; signal?: AbortSignal },
): Promise<Readable> {
  const { status, worker, volumeRef } = await runLog(db, runId);
  if (volumeRef === null) {
    throw new NotFound({
      reason: `the Run ${runId} has no log`,
      advice: 'Add `log` to the plan to keep what its code prints.',
    });
  }
  if (status === 'deactivated' || status === 'waiting' || status === 'ready') {
    throw new Unavailable({
      reason: `the Run ${runId} is ${status}: it has not started yet`,
      advice: 'Try again later.',
    });
  }
  return await workers.logs({ name: worker ?? workerName(runId), log: { volume: volumeRef } }, options);
}
