import { Conflict, Invalid, NotFound } from '@knitfab/core';
import type { Drivers } from '@knitfab/engine';
import {
  beginImport,
  completeUpload,
  type DataDetail,
  dataDetails,
  type Store,
  snapshot,
  transaction,
} from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import { readText } from '../serve.ts';
import type { Import, ImportTokens } from './import-tokens.ts';
import { internalPaths } from './paths.ts';

const mediaType = 'application/jwt';

/** Refused for what it is signed with, not for what it says (401). */
const notSigned = {
  reason: 'the token was not signed here, or it has expired',
  advice: 'Begin the import again.',
};

/**
 * Import of Data that a program in the cluster brings into a volume of its own making (spec page 6, "Custom data import"). One that
 * is never ended is taken away by housekeeping when its token has expired, with the volume, if there is one by then.
 */
export function importRoutes(
  app: FastifyInstance,
  { store, drivers, imports }: { store: Store; drivers: Pick<Drivers, 'volumes'>; imports: ImportTokens },
): void {
  app.post(internalPaths.beginImport, async (request, reply) => {
    request.raw.resume();
    return reply.type(mediaType).send(await imports.sign(await transaction(store.db, beginImport)));
  });

  app.post(internalPaths.endImport, async (request, reply) => {
    const begun = await imports.read((await readText(request.raw)).trim());
    if (begun === undefined)
      return reply.code(401).send({ message: `${notSigned.reason}\n${notSigned.advice}`, ...notSigned });
    if (!(await drivers.volumes.isReady(begun.volumeRef))) {
      throw new Invalid({
        reason: `there is no PersistentVolumeClaim ${begun.volumeRef}, or it is not bound yet`,
        advice: 'Create it, wait until it is bound, then end the import again.',
      });
    }
    return await endImport(store, begun);
  });
}

/**
 * Makes an import's Data usable; whoever did not hear of that may do it again.
 * @throws {Invalid} when it was aborted, or given up: whatever can't be ended is a 400 (spec page 2, "Internal API")
 */
async function endImport(store: Store, begun: Import): Promise<DataDetail | undefined> {
  try {
    await transaction(store.db, (tx) => completeUpload(tx, begun));
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const detail = await importedData(store, begun).catch((missing: unknown) => {
      if (!(missing instanceof NotFound)) throw missing;
    });
    if (detail?.upstream.run.status === 'done') return detail;
    throw new Invalid({
      reason: 'the import was aborted while it was under way',
      advice: 'Begin it again.',
      cause: error,
    });
  }
  return await importedData(store, begun);
}

async function importedData({ db }: Store, { knitId }: Import): Promise<DataDetail | undefined> {
  const [detail] = await snapshot(db, (tx) => dataDetails(tx, [knitId]));
  return detail;
}
