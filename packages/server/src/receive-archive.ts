import { checksumTrailer, gzippedTar, mayHaveChecksum } from '@knitfab/api';
import { decodeBody, digestOf } from '@knitfab/archive';
import { Invalid, type KnitId } from '@knitfab/core';
import { type Drivers, receiveData } from '@knitfab/engine';
import type { Store } from '@knitfab/store';
import type { FastifyRequest } from 'fastify';

/** An upload that sends nothing for so long is broken off. */
const silenceMilliseconds = 5 * 60_000;

/**
 * Makes a Data of a request's body.
 * @throws {Invalid} when the archive is cut off, damaged, or not what its checksum says; nothing is left of it
 */
export async function receiveArchive(
  { raw: message }: FastifyRequest,
  store: Store,
  drivers: Pick<Drivers, 'volumes' | 'transfers'>,
): Promise<KnitId> {
  const contentType = message.headers['content-type'] ?? gzippedTar;
  message.setTimeout(silenceMilliseconds, () => message.destroy(new Error('the upload went silent')));
  const body: AsyncIterable<Buffer> = message.iterator({ destroyOnReturn: false });
  const digested = mayHaveChecksum(contentType, message.headers) ? digestOf(body) : undefined;
  try {
    const tar = decodeBody(digested?.chunks ?? body, contentType);
    return await receiveData(store, drivers, tar, async () => {
      const sent = message.trailers[checksumTrailer]?.trim().toLowerCase();
      const received = digested?.md5();
      if (sent !== undefined && received !== undefined && sent !== received) {
        throw new Invalid({
          reason: `the archive was damaged on its way: its MD5 is ${received}, but ${sent} was sent`,
          advice: 'Send it again.',
        });
      }
    });
  } catch (error) {
    if (message.errored) {
      throw new Invalid({
        reason: 'the upload was cut off',
        advice: 'Send it again, whole.',
        cause: message.errored,
      });
    }
    // The rest of the body is passed over, so that the sender comes to read the answer.
    message.resume();
    throw error;
  }
}
