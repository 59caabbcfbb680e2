import { Header } from 'tar/header';
import { Pax } from 'tar/pax';
import { type ArchiveEntry, blockSize, paddingOf } from './archive-entry.ts';

const chunkSize = 256 * 1024;

/** Times (seconds) and sizes (bytes) beyond this have no place in a header's octal digits. */
const maxOctal = 0o77777777777;

const types = {
  file: 'File',
  directory: 'Directory',
  'symbolic-link': 'SymbolicLink',
  'hard-link': 'Link',
} as const;

/**
 * Writes headers and the contents of small files as a tar archive (ustar, with pax records where a name or number does not
 * fit), in chunks that are worth sending.
 */
export class ArchiveWriter {
  /** Content up to this many bytes fits in one piece between two chunk boundaries. */
  static readonly maxPiece: number = chunkSize / 2;

  #chunk: Buffer = Buffer.alloc(0);
  #used = 0;
  #full: Buffer[] = [];

  /** The entry's header. Its content, if any, must follow: `paddingOf(size)` included. */
  header(entry: ArchiveEntry): void {
    const header = headerOf(entry);
    const block = Buffer.alloc(blockSize);
    if (header.encode(block)) this.#append(paxOf(entry).encode());
    this.#append(block);
  }

  /** Room for `size` bytes that the caller fills and then commits as far as they are content. */
  room(size: number): Buffer {
    if (this.#chunk.length - this.#used < size) {
      this.#finishChunk();
      this.#chunk = Buffer.allocUnsafeSlow(Math.max(chunkSize, size));
    }
    return this.#chunk.subarray(this.#used, this.#used + size);
  }

  commit(size: number): void {
    this.#used += size;
  }

  /** The zeros that fill the last block of content of `size` bytes. */
  pad(size: number): void {
    this.#zeros(paddingOf(size));
  }

  /** The end of the archive: two blocks of zeros. */
  end(): void {
    this.#zeros(2 * blockSize);
  }

  /** The chunks that are full, once each. */
  takeFull(): Buffer[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** All that has not been taken yet. */
  takeAll(): Buffer[] {
    this.#finishChunk();
    return this.takeFull();
  }

  #append(bytes: Buffer): void {
    bytes.copy(this.room(bytes.length));
    this.commit(bytes.length);
  }

  #zeros(size: number): void {
    this.room(size).fill(0);
    this.commit(size);
  }

  #finishChunk(): void {
    if (this.#used > 0) this.#full.push(this.#chunk.subarray(0, this.#used));
    this.#chunk = this.#chunk.subarray(this.#used);
    this.#used = 0;
  }
}

function headerOf({ kind, path, mode, mtime, size, target }: ArchiveEntry): Header {
  return new Header({
    path,
    mode,
    uid: 0,
    gid: 0,
    size,
    mtime: new Date(mtime * 1000),
    type: types[kind],
    ...(target === undefined ? {} : { linkpath: target }),
  });
}

/** The names in full, and the numbers that the header has no digits for. */
function paxOf({ path, mtime, size, target }: ArchiveEntry): Pax {
  return new Pax({
    path,
    ...(target === undefined ? {} : { linkpath: target }),
    ...(size > maxOctal ? { size } : {}),
    ...(mtime < 0 || mtime > maxOctal ? { mtime: new Date(mtime * 1000) } : {}),
  });
}
