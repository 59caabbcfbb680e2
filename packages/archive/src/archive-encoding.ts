import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { Invalid } from '@knitfab/core';

/** How an archive is sent (spec page 2): gzipped as 1.6 does it, under either name, or plain between this CLI and this server. */
export const archiveTypes = {
  tarGzip: 'application/tar+gzip',
  gzip: 'application/gzip',
  tar: 'application/x-tar',
} as const;

/** What zlib hands out at a time (bytes); its default is a quarter of what the network sends. */
const chunkSize = 64 * 1024;

/**
 * The tar stream in a body of this content type. The body is read to its end, where a compressed one is checked: length,
 * checksum, nothing after it. Several gzip members after each other are one stream. A reader that stops early ends the body's
 * iterator: for a request that still has to be answered, that must be one that leaves the connection alone
 * (`request.iterator({ destroyOnReturn: false })`).
 * @throws {Invalid} for another content type at once; while it is read, for a body that is not what its type says
 */
export function decodeBody(body: AsyncIterable<Buffer>, contentType: string): AsyncIterable<Buffer> {
  return isGzip(contentType) ? gunzip(body) : body;
}

/**
 * The body that sends a tar stream as this content type. An error of the one is the other's too.
 * @throws {Invalid} for another content type
 */
export function encodeBody(tar: Readable, contentType: string): Readable {
  if (!isGzip(contentType)) return tar;
  const gzip = createGzip({ level: 1, chunkSize });
  pipeline(tar, gzip, () => {}); // whoever reads `gzip` hears of a failure there
  return gzip;
}

function isGzip(contentType: string): boolean {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (type === archiveTypes.tarGzip || type === archiveTypes.gzip) return true;
  if (type === archiveTypes.tar) return false;
  throw new Invalid({
    reason: `"${contentType}" is no content type of an archive`,
    advice: `Send ${archiveTypes.tarGzip} or ${archiveTypes.tar}.`,
  });
}

async function* gunzip(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const stream = createGunzip({ chunkSize });
  let received = 0;
  const counted = async function* () {
    for await (const chunk of body) {
      received += chunk.length;
      yield chunk;
    }
  };
  pipeline(counted, stream, () => {}); // a failure of either comes out of the loop below
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    throw damaged(error);
  }
  // zlib stops without a word at what is not another member.
  if (stream.bytesWritten < received) throw new Invalid('the gzip stream goes on after its end');
}

/** What zlib says of a damaged stream is an answer to whoever sent it; other errors stay what they are. */
function damaged(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'Z_BUF_ERROR')
    return new Invalid({ reason: 'the gzip stream is cut off', advice: 'Send it again, whole.' });
  if (!code.startsWith('Z_') || !(error instanceof Error)) return error;
  return new Invalid({
    reason: `the gzip stream is damaged: ${error.message}`,
    advice: 'Send it again.',
    cause: error,
  });
}
