import { pipeline, type Readable, type Transform, Writable } from 'node:stream';
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { Invalid } from '@knitfab/core';

/**
 * How an archive is sent (spec page 2): gzipped as 1.6 does it, under either name; between this CLI and this server compressed
 * by zstd, which takes a fifth of gzip's time, or plain.
 */
export const archiveTypes = {
  tarGzip: 'application/tar+gzip',
  gzip: 'application/gzip',
  tarZstd: 'application/tar+zstd',
  tar: 'application/x-tar',
} as const;

/** What zlib hands out at a time (bytes); its default is a quarter of what the network sends. */
const chunkSize = 64 * 1024;

interface Compression {
  readonly name: string;
  compress(): Transform;
  /** @returns with `bytesWritten`, how much of what it was given it has taken in: it stops without a word at its end */
  decompress(): Transform & { readonly bytesWritten: number };
}

const gzip: Compression = {
  name: 'gzip',
  compress: () => createGzip({ level: 1, chunkSize }),
  decompress: () => createGunzip({ chunkSize }),
};

const zstd: Compression = {
  name: 'zstd',
  compress: () =>
    createZstdCompress({
      chunkSize,
      params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
    }),
  // It keeps so much in memory of what it has read as a stream demands: no more than 2^23 bytes.
  decompress: () => createZstdDecompress({ chunkSize, params: { [constants.ZSTD_d_windowLogMax]: 23 } }),
};

const compressions = new Map<string, Compression | undefined>([
  [archiveTypes.tarGzip, gzip],
  [archiveTypes.gzip, gzip],
  [archiveTypes.tarZstd, zstd],
  [archiveTypes.tar, undefined],
]);

/**
 * The tar stream in a body of this content type. The body is read to its end, where a compressed one is checked: length,
 * checksum, nothing after it. Several gzip members after each other are one stream. A reader that stops early ends the body's
 * iterator: for a request that still has to be answered, that must be one that leaves the connection alone
 * (`request.iterator({ destroyOnReturn: false })`).
 * @throws {Invalid} for another content type at once; while it is read, for a body that is not what its type says
 */
export function decodeBody(body: AsyncIterable<Buffer>, contentType: string): AsyncIterable<Buffer> {
  const compression = compressionOf(contentType);
  return compression === undefined ? body : decompressed(body, compression);
}

/**
 * The body that sends a tar stream as this content type. An error of the one is the other's too.
 * @throws {Invalid} for another content type
 */
export function encodeBody(tar: Readable, contentType: string): Readable {
  const compressed = compressionOf(contentType)?.compress();
  if (compressed === undefined) return tar;
  pipeline(tar, oneByOne(compressed), () => {}); // whoever reads `compressed` hears of a failure there
  return compressed;
}

/**
 * Writes to a stream whose end is told only when it has taken in all: Node ends a zstd stream twice when it is told of its end with
 * the last piece, and an empty one then follows.
 */
function oneByOne(stream: Transform): Writable {
  const writing = new Writable({
    write: (piece: Buffer, encoding, done) => void stream.write(piece, encoding, done),
    final: (done) => void stream.end(done),
    destroy(error, done) {
      if (error !== null) stream.destroy(error);
      done(error);
    },
  });
  stream.once('close', () => writing.destroy());
  return writing;
}

function compressionOf(contentType: string): Compression | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (compressions.has(type)) return compressions.get(type);
  throw new Invalid({
    reason: `"${contentType}" is no content type of an archive`,
    advice: `Send ${archiveTypes.tarGzip} or ${archiveTypes.tar}.`,
  });
}

async function* decompressed(
  body: AsyncIterable<Buffer>,
  { name, decompress }: Compression,
): AsyncGenerator<Buffer, void> {
  const stream = decompress();
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
    throw damaged(error, name);
  }
  if (stream.bytesWritten < received) throw new Invalid(`the ${name} stream goes on after its end`);
}

/** What zlib says of a damaged stream is an answer to whoever sent it; other errors stay what they are. */
function damaged(error: unknown, name: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'Z_BUF_ERROR')
    return new Invalid({ reason: `the ${name} stream is cut off`, advice: 'Send it again, whole.' });
  if (!/^(Z_|ZSTD_)/.test(code) || !(error instanceof Error)) return error;
  return new Invalid({
    reason: `the ${name} stream is damaged: ${error.message}`,
    advice: 'Send it again.',
    cause: error,
  });
}
