import type { Readable } from 'node:stream';
import { isFinished, type KnitId, Unavailable } from '@knitfab/core';
import {
  beginUpload,
  completeUpload,
  dataVolume,
  discardUpload,
  prolongUpload,
  type Store,
  transaction,
} from '@knitfab/store';
import type { Drivers } from './drivers.ts';

const prolongMilliseconds = 10_000;

/**
 * Makes a Data of a tar stream: either all of it, or none.
 * @param verified is waited for once the stream has ended, before the Data comes to be; it rejects to refuse the stream
 * @throws {Invalid} for a bad archive; nothing is left of it
 */
export async function receiveData(
  { db }: Store,
  { volumes, transfers }: Pick<Drivers, 'volumes' | 'transfers'>,
  tar: AsyncIterable<Buffer>,
  verified: () => Promise<void>,
): Promise<KnitId> {
  const upload = await transaction(db, beginUpload);
  const timer = setInterval(() => void prolongUpload(db, upload.runId).catch(() => {}), prolongMilliseconds);
  try {
    await volumes.create(upload.volumeRef);
    await transfers.write(upload.volumeRef, tar);
    await verified();
    await transaction(db, (tx) => completeUpload(tx, upload));
    return upload.knitId;
  } catch (error) {
    // Should this fail too, the lease runs out, and housekeeping does it.
    await transaction(db, (tx) => discardUpload(tx, upload)).catch(() => {});
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/**
 * A Data's tree as a tar stream.
 * @throws {NotFound} {@link Unavailable} while its Run is not finished
 */
export async function sendData(
  { db }: Store,
  { transfers }: Pick<Drivers, 'transfers'>,
  knitId: KnitId,
): Promise<Readable> {
  const { volumeRef, runStatus } = await dataVolume(db, knitId);
  if (!isFinished(runStatus)) {
    throw new Unavailable({
      reason: `the Data ${knitId} is not complete: its Run is ${runStatus}`,
      advice: 'Try again when the Run is done.',
    });
  }
  return await transfers.read(volumeRef);
}
