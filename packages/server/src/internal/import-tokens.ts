import { Invalid, type KnitId, type RunId } from '@knitfab/core';
import { errors, jwtVerify, SignJWT } from 'jose';

/** What a begun import is known by. */
export interface Import {
  readonly knitId: KnitId;
  readonly runId: RunId;
  /** The name of the volume that the importer creates. */
  readonly volumeRef: string;
}

const algorithm = 'HS256';
const lifetime = '30 minutes';
/** RFC 7518, 3.2: as many as the digest has. */
const minKeyBytes = 32;

/** Signs and reads the tokens that stand for imports under way (spec page 2, "Internal API"). All replicas have the same key. */
export class ImportTokens {
  readonly #key: Uint8Array;

  /**
   * @param key secret
   * @throws {Invalid} when it is short
   */
  constructor(key: Uint8Array) {
    if (key.length < minKeyBytes)
      throw new Invalid(
        `the key that signs imports should have ${minKeyBytes} bytes or more, not ${key.length}`,
      );
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
