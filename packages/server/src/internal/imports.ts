import { Invalid, type KnitId, NotFound, type RunId } from '@knitfab/core';
import type { Drivers } from '@knitfab/engine';
import { beginImport, completeUpload, dataDetails, type Store, snapshot, transaction } from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import { errors, jwtVerify, SignJWT } from 'jose';
import { answerError } from '../errors.ts';
import { readText } from '../serve.ts';
import { internalPaths } from './paths.ts';

/** What a begun import is known by. */
interface Import {
  readonly knitId: KnitId;
  readonly runId: RunId;
  /** The name of the volume that the importer creates. */
  readonly volumeRef: string;
}

const algorithm = 'HS256';
const lifetime = '30 minutes';
const mediaType = 'application/jwt';

/** Signs and reads the tokens that stand for imports under way (spec page 2, "Internal API"). All replicas have the same key. */
export class ImportTokens {
  readonly #key: Uint8Array;

  /** @param key 32 bytes or more, secret */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  async sign({ knitId, runId, volumeRef }: Import): Promise<string> {
    return await new SignJWT({ 'knitfab/knitId': knitId, 'knitfab/runId': runId })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
      .setSubject(volumeRef)
      .setIssuedAt()
      .setExpirationTime(lifetime)
      .sign(this.#key);
  }

  /** @returns undefined for a token that these did not sign, or that has expired */
  async read(token: string): Promise<Import | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [algorithm],
        requiredClaims: ['sub', 'exp', 'knitfab/knitId', 'knitfab/runId'],
      });
      return {
        knitId: payload['knitfab/knitId'] as KnitId,
        runId: payload['knitfab/runId'] as RunId,
        volumeRef: payload.sub as string,
      };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}

/** Refused for what it is signed with, not for what it says (401). */
const notSigned = {
  reason: 'the token was not signed here, or it has expired',
  advice: 'Begin the import again.',
};

/** Import of Data that a program in the cluster brings into a volume of its own making (spec page 6, "Custom data import"). */
export function importRoutes(
  app: FastifyInstance,
  parts: { store: Store; drivers: Pick<Drivers, 'volumes'>; imports: ImportTokens },
): void {
  const { store, drivers, imports } = parts;
  const { db } = store;

  app.post(internalPaths.beginImport, async (request, reply) => {
    request.raw.resume();
    const begun = await transaction(db, beginImport);
    return reply.type(mediaType).send(await imports.sign(begun));
  });

  app.post(internalPaths.endImport, async (request, reply) => {
    const token = (await readText(request.raw)).trim();
    const under = await imports.read(token);
    if (under === undefined) {
      const message = `${notSigned.reason}\n${notSigned.advice}`;
      return reply.code(401).send({ message, ...notSigned });
    }
    if (!(await drivers.volumes.isReady(under.volumeRef))) {
      return answerError(
        new Invalid({
          reason: `there is no PersistentVolumeClaim ${under.volumeRef}, or it is not bound yet`,
          advice: 'Create it, wait until it is bound, then end the import again.',
        }),
        request,
        reply,
      );
    }
    // Whoever did not hear that it was ended may say so again.
    const details = () => snapshot(db, (tx) => dataDetails(tx, [under.knitId]));
    const isDone = await details().then(
      ([detail]) => detail?.upstream.run.status === 'done',
      (error) => {
        if (error instanceof NotFound) return false;
        throw error;
      },
    );
    if (!isDone) await transaction(db, (tx) => completeUpload(tx, under));
    const [detail] = await details();
    return detail;
  });
}
