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
  uploadAborted,
} from '@knitfab/store';
import type { Drivers } from './drivers.ts';
import { provideVolume, takeSpares } from './spare-volumes.ts';

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
  const { upload, taken } = await transaction(db, async (tx) => {
    const begun = await beginUpload(tx);
    const [spare] = await takeSpares(tx, volumes, [begun.runId]);
    return { upload: { ...begun, ...spare }, taken: spare === undefined ? [] : [spare] };
  });
  let isAborted = false;
  const prolong = async () => {
    isAborted ||= !(await prolongUpload(db, upload.runId).catch(() => true));
  };
  const timer = setInterval(prolong, prolongMilliseconds);
  try {
    await provideVolume(volumes, { volume: upload.volumeRef, knitId: upload.knitId }, taken);
    await transfers.write(
      upload.volumeRef,
      whileWanted(tar, () => isAborted),
    );
    await verified();
    await transaction(db, (tx) => completeUpload(tx, upload));
    return upload.knitId;
  } catch (error) {
    await prolong();
    // Should this fail too, the lease runs out, and housekeeping does it.
    const isGone = await transaction(db, (tx) => discardUpload(tx, upload)).catch(() => true);
    if (!isGone) return upload.knitId;
    throw isAborted ? uploadAborted() : error;
  } finally {
    clearInterval(timer);
  }
}

/** The chunks of a stream, until nobody wants them any more. */
async function* whileWanted(tar: AsyncIterable<Buffer>, isAborted: () => boolean): AsyncGenerator<Buffer> {
  for await (const chunk of tar) {
    if (isAborted()) throw uploadAborted();
    yield chunk;
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
