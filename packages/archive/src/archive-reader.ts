import { Invalid } from '@knitfab/core';
import type { Header } from 'tar/header';
import { type ArchiveEntry, blockSize, paddingOf } from './archive-entry.ts';
import { decodeHeader, entryOf, typeOf } from './archive-header.ts';
import { type ExtendedHeader, readPaxRecords, textUpToZero } from './extended-header.ts';

/** Extended headers are names and a few numbers; nobody needs more than this many bytes for them. */
const maxExtendedHeader = 1024 * 1024;

/** More extended headers before one entry, or more zeros at the end (bytes), are only there to keep a reader busy. */
const maxExtendedHeadersInARow = 16;
const maxZerosAtEnd = 16 * 1024 * 1024;

const goesOnAfterEnd = () => new Invalid('the archive goes on after its end');

/** An extended header that is being read. */
interface Metadata {
  readonly type: string;
  readonly bytes: Buffer;
  length: number;
}

/**
 * Reads a tar stream as ustar, GNU tar and pax write it, chunk by chunk and without waiting for anything: feed `read` each
 * chunk, then call `finish`. Strict where readers differ, so that nothing is understood in two ways.
 */
export class ArchiveReader {
  /** The block that a chunk's end cut in two. */
  readonly #partial = Buffer.alloc(blockSize);
  #partialLength = 0;
  /** Bytes read so far. */
  #offset = 0;
  #content = 0;
  #padding = 0;
  #metadata: Metadata | undefined;
  #extended: ExtendedHeader = {};
  #extendedHeadersInARow = 0;
  #global: ExtendedHeader = {};
  #zeroBlocks = 0;

  /**
   * What the chunk holds: entries, each followed by the pieces of its content (as many bytes as its size says).
   * @throws {Invalid} for what is no tar archive, is damaged, or holds an entry of a kind that can't be kept
   */
  *read(chunk: Buffer): Generator<ArchiveEntry | Buffer, void> {
    let rest = chunk;
    const take = (wanted: number): Buffer => {
      const taken = rest.subarray(0, wanted);
      rest = rest.subarray(taken.length);
      this.#offset += taken.length;
      return taken;
    };
    while (rest.length > 0) {
      if (this.#content > 0) {
        const piece = take(this.#content);
        this.#content -= piece.length;
        yield piece;
      } else if (this.#metadata !== undefined) {
        this.#collectMetadata(this.#metadata, take);
      } else if (this.#padding > 0) {
        this.#padding -= take(this.#padding).length;
      } else {
        const block = this.#wholeBlock(take);
        const entry = block && this.#readBlock(block);
        if (entry !== undefined) yield entry;
      }
    }
  }

  /** @throws {Invalid} when the stream stopped before the end of the archive (two blocks of zeros) */
  finish(): void {
    if (this.#zeroBlocks < 2) {
      throw new Invalid({
        reason: `the archive is cut off after ${this.#offset} bytes`,
        advice: 'Send it again, whole.',
      });
    }
  }

  /** The next block in one piece; undefined while some of it is still to come. */
  #wholeBlock(take: (wanted: number) => Buffer): Buffer | undefined {
    const piece = take(blockSize - this.#partialLength);
    if (piece.length === blockSize) return piece;
    this.#partialLength += piece.copy(this.#partial, this.#partialLength);
    if (this.#partialLength < blockSize) return undefined;
    this.#partialLength = 0;
    return this.#partial;
  }

  #readBlock(block: Buffer): ArchiveEntry | undefined {
    const header = this.#decode(block);
    if (header === undefined) return undefined;
    const type = typeOf(block);
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      this.#expectMetadata(type, header.size);
      return undefined;
    }
    const entry = entryOf(header, block, { ...this.#global, ...this.#extended });
    this.#extended = {};
    this.#extendedHeadersInARow = 0;
    this.#content = entry.size;
    this.#padding = paddingOf(entry.size);
    return entry;
  }

  /** The header in a block; undefined for a block of zeros. */
  #decode(block: Buffer): Header | undefined {
    const header = decodeHeader(block);
    if (header?.nullBlock === true) {
      this.#takeZeroBlock();
      return undefined;
    }
    if (this.#zeroBlocks > 0) throw goesOnAfterEnd();
    if (header?.cksumValid !== true) throw this.#noHeader(block);
    return header;
  }

  #takeZeroBlock(): void {
    if (this.#extendedHeadersInARow > 0) {
      throw new Invalid('the archive is damaged: it ends after a header that announces an entry');
    }
    if (++this.#zeroBlocks * blockSize > maxZerosAtEnd) throw goesOnAfterEnd();
  }

  #noHeader(block: Buffer): Invalid {
    const start = this.#offset - blockSize;
    if (start > 0) {
      return new Invalid({
        reason: `the archive is damaged: at byte ${start} a header has the wrong checksum`,
        advice: 'Send it again, or pack it again.',
      });
    }
    const isGzip = block[0] === 0x1f && block[1] === 0x8b;
    return new Invalid({
      reason: isGzip
        ? 'this is a gzip file where a plain tar archive was announced'
        : 'this is no tar archive',
      advice:
        'Send a tar archive, and the Content-Type that fits: application/tar+gzip or application/x-tar.',
    });
  }

  #expectMetadata(type: string, size: number | undefined): void {
    if (size === undefined || size > maxExtendedHeader) {
      throw new Invalid(`the archive holds an extended header of ${size ?? 'unknown'} bytes`);
    }
    if (++this.#extendedHeadersInARow > maxExtendedHeadersInARow) {
      throw new Invalid('the archive holds nothing but extended headers');
    }
    this.#metadata = { type, bytes: Buffer.allocUnsafe(size), length: 0 };
    this.#padding = paddingOf(size);
  }

  #collectMetadata(metadata: Metadata, take: (wanted: number) => Buffer): void {
    const piece = take(metadata.bytes.length - metadata.length);
    metadata.length += piece.copy(metadata.bytes, metadata.length);
    if (metadata.length < metadata.bytes.length) return;
    this.#metadata = undefined;
    this.#takeMetadata(metadata.type, metadata.bytes);
  }

  #takeMetadata(type: string, bytes: Buffer): void {
    switch (type) {
      case 'x':
        this.#extended = { ...this.#extended, ...readPaxRecords(bytes) };
        break;
      case 'g':
        this.#takeGlobal(readPaxRecords(bytes));
        break;
      case 'L':
        this.#extended.path ??= textUpToZero(bytes);
        break;
      case 'K':
        this.#extended.target ??= textUpToZero(bytes);
        break;
    }
  }

  /** Of what holds for all entries from here on, only a time makes sense. */
  #takeGlobal(header: ExtendedHeader): void {
    if (Object.keys(header).some((key) => key !== 'mtime')) {
      throw new Invalid('the archive gives all its entries one name or size');
    }
    this.#global = { ...this.#global, ...header };
  }
}
