import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { archiveTypes, decodeBody, digestOf, encodeBody } from '@knitfab/archive';
import { Invalid } from '@knitfab/core';
import { describe, expect, it } from 'vitest';
import { inChunks } from './tar-blocks.ts';

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const content = Buffer.concat([randomBytes(300_000), Buffer.alloc(300_000)]);
const decode = (bytes: Buffer, chunkSize = 65_536) =>
  collect(decodeBody(inChunks(bytes, chunkSize), archiveTypes.tarGzip));

describe('a body', () => {
  it.each(Object.values(archiveTypes))('comes back from %s', async (type) => {
    const sent = await collect(encodeBody(Readable.from([content], { objectMode: false }), type));
    expect(sent.equals(content)).toBe(type === 'application/x-tar');
    expect((await collect(decodeBody(inChunks(sent, 1000), type))).equals(content)).toBe(true);
  });

  it.each(Object.values(archiveTypes))('comes back from %s however it comes in pieces', async (type) => {
    for (const size of [1, 407, 16_384, 65_535, 65_536, 131_072, 131_073, 600_000]) {
      const pieces = function* () {
        for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
      };
      const sent = await collect(encodeBody(Readable.from(size === 1 ? [content] : pieces()), type));
      expect((await collect(decodeBody(inChunks(sent, 65_536), type))).equals(content)).toBe(true);
    }
  });

  it('has its type in any case, with parameters', async () => {
    expect((await collect(decodeBody(inChunks(gzipSync(content)), 'Application/GZIP; x=y'))).length).toBe(
      600_000,
    );
  });

  it('of another type is refused at once, with those that there are', () => {
    expect(() => decodeBody(inChunks(content), 'application/zip')).toThrow(Invalid);
    expect(() => encodeBody(Readable.from([]), 'text/plain')).toThrow(
      /application\/tar\+gzip or application\/x-tar/,
    );
  });

  it('of several gzip members is one stream, wherever the network cuts it', async () => {
    const short = content.subarray(299_000, 302_000);
    const first = gzipSync(short.subarray(0, 1000));
    const bytes = Buffer.concat([first, gzipSync(Buffer.alloc(0)), gzipSync(short.subarray(1000))]);
    for (const chunkSize of [1, 999, first.length, 65_536]) {
      expect((await decode(bytes, chunkSize)).equals(short)).toBe(true);
    }
  });

  it('that fails on its way fails for the reader too, with its own error', async () => {
    async function* broken() {
      yield gzipSync(content).subarray(0, 1000);
      throw new Error('the connection was lost');
    }
    await expect(collect(decodeBody(broken(), archiveTypes.gzip))).rejects.toThrow('the connection was lost');
    const tar = Readable.from(
      (async function* () {
        yield content;
        throw new Error('the file vanished');
      })(),
      { objectMode: false },
    );
    await expect(collect(encodeBody(tar, archiveTypes.gzip))).rejects.toThrow('the file vanished');
  });

  it('that nobody reads any more stops its source', async () => {
    const tar = Readable.from(inChunks(Buffer.alloc(5_000_000)), { objectMode: false });
    for await (const _ of encodeBody(tar, archiveTypes.gzip)) break;
    await expect.poll(() => tar.destroyed).toBe(true);
  });

  it('that is damaged leaves a request open that still has to be answered', async () => {
    const request = Readable.from(inChunks(Buffer.alloc(5_000_000, 'garbage')), { objectMode: false });
    const body = request.iterator({ destroyOnReturn: false });
    await expect(collect(decodeBody(body, archiveTypes.gzip))).rejects.toThrow(Invalid);
    expect(request.destroyed).toBe(false);
  });
});

describe('a gzip stream is refused when', () => {
  const good = gzipSync(content);
  const changed = (at: number) => {
    const bytes = Buffer.from(good);
    bytes.writeUInt8(bytes.readUInt8(bytes.length + at) ^ 1, bytes.length + at);
    return bytes;
  };
  it.each<[string, Buffer, RegExp]>([
    ['it is none', Buffer.alloc(1000, 'x'), /damaged: incorrect header check/],
    ['it is cut off in its header', good.subarray(0, 5), /cut off/],
    ['it is cut off in the middle', good.subarray(0, 1000), /cut off/],
    ['it is cut off before its checksum', good.subarray(0, -8), /cut off/],
    ['it is cut off in its length', good.subarray(0, -1), /cut off/],
    ['its checksum is wrong', changed(-8), /damaged: incorrect data check/],
    ['its length is wrong', changed(-4), /damaged: incorrect length check/],
    ['garbage follows', Buffer.concat([good, Buffer.from('garbage')]), /damaged: incorrect header check/],
    ['zeros follow', Buffer.concat([good, Buffer.alloc(100)]), /goes on after its end/],
    [
      'zeros and another member follow',
      Buffer.concat([good, Buffer.alloc(1), good]),
      /goes on after its end/,
    ],
    ['its second member is cut off', Buffer.concat([good, good.subarray(0, 100)]), /cut off/],
  ])('%s', async (_, bytes, reason) => {
    for (const chunkSize of [100, good.length, 65_536, bytes.length]) {
      const decoding = decode(bytes, chunkSize);
      await expect(decoding).rejects.toThrow(Invalid);
      await expect(decoding).rejects.toThrow(reason);
    }
  });
});

describe('a zstd stream is refused when', () => {
  const { ZSTD_c_checksumFlag, ZSTD_c_windowLog } = constants;
  const good = zstdCompressSync(content, { params: { [ZSTD_c_checksumFlag]: 1 } });
  const changed = Buffer.from(good);
  changed.writeUInt8(changed.readUInt8(150_000) ^ 1, 150_000);
  it.each<[string, Buffer, RegExp]>([
    ['it is none', Buffer.alloc(1000, 'x'), /damaged: Unknown frame descriptor/],
    ['it is empty', Buffer.alloc(0), /cut off/],
    ['it is cut off in the middle', good.subarray(0, 1000), /cut off/],
    ['it is cut off before its checksum', good.subarray(0, -4), /cut off/],
    ['its checksum is wrong', changed, /damaged: .*checksum/],
    ['something follows', Buffer.concat([good, Buffer.from('garbage')]), /goes on after its end/],
    [
      'it demands much memory',
      zstdCompressSync(Buffer.alloc(2 ** 25), { params: { [ZSTD_c_windowLog]: 25 } }),
      /damaged: .*too much memory/,
    ],
  ])('%s', async (_, bytes, reason) => {
    for (const chunkSize of [100, 65_536]) {
      const decoding = collect(decodeBody(inChunks(bytes, chunkSize), archiveTypes.tarZstd));
      await expect(decoding).rejects.toThrow(Invalid);
      await expect(decoding).rejects.toThrow(reason);
    }
  });
});

describe('a digest', () => {
  it('is the MD5 of the bytes that passed unchanged', async () => {
    const digested = digestOf(inChunks(content, 999));
    expect((await collect(digested.chunks)).equals(content)).toBe(true);
    expect(digested.md5()).toBe(createHash('md5').update(content).digest('hex'));
  });
});
