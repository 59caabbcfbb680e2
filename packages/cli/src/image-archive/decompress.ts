import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { archiveTypes, decodeBody } from '@knitfab/archive';
import { Invalid } from '@knitfab/core';

/** How a compressed file begins. Sources: RFC 1952, RFC 8878, and the formats' own documents. */
const magics: Readonly<Record<string, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
  xz: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
  bzip2: Buffer.from('BZh'),
};
const longestMagic = 6;

/**
 * The bytes behind a stream that may be compressed, by what it begins with.
 * @throws {Invalid} for a compression that can't be undone here; while it is read, when it is damaged
 */
export async function* decompressed(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const [start, whole] = await peek(stream);
  const [format] = Object.entries(magics).find(([, magic]) => start.indexOf(magic) === 0) ?? [];
  if (format === undefined) yield* whole;
  else if (format === 'gzip') yield* decodeBody(whole, archiveTypes.gzip);
  else if (format === 'zstd' && 'createZstdDecompress' in zlib) yield* unzstd(whole);
  else throw unknownCompression(format);
}

async function* unzstd(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const source = Readable.from(stream);
  const plain = zlib.createZstdDecompress();
  source.on('error', (error) => plain.destroy(error));
  try {
    for await (const chunk of source.pipe(plain)) yield chunk;
  } catch (error) {
    const isDamage = error instanceof Error && 'code' in error && /^Z(STD)?_/.test(String(error.code));
    if (!isDamage) throw error;
    throw new Invalid({ reason: `the zstd stream is damaged or cut off: ${error.message}`, cause: error });
  }
}

function unknownCompression(format: string): Invalid {
  return new Invalid({
    reason: `the archive is compressed with ${format}`,
    advice: `Decompress it on the way: ${format} -dc FILE | knit plan template`,
  });
}

/** The first bytes of a stream, and the stream with them. */
async function peek(stream: AsyncIterable<Buffer>): Promise<[Buffer, AsyncIterable<Buffer>]> {
  const rest = stream[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < longestMagic) {
    const { done, value } = await rest.next();
    if (done) break;
    start = Buffer.concat([start, value]);
  }
  async function* whole(): AsyncGenerator<Buffer, void> {
    if (start.length > 0) yield start;
    yield* { [Symbol.asyncIterator]: () => rest };
  }
  return [start, whole()];
}
