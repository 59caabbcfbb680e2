import { closeSync, futimesSync, writeSync, writev, writevSync } from 'node:fs';
import type { ArchiveEntry } from './archive-entry.ts';

/** Content up to this many bytes is gathered and written with synchronous calls, which are faster for it. */
const small = 128 * 1024;

/** What a large file's content is gathered to before it is written (bytes). */
const batch = 1024 * 1024;

/** A new file that gets its content piece by piece. */
export class WrittenFile {
  readonly #entry: ArchiveEntry;
  #missing: number;
  #pieces: Buffer[] = [];
  #gathered = 0;
  #descriptor: number | undefined;
  #writing: Promise<void> | undefined;

  /** @param descriptor of the file just created; it is closed here */
  constructor(descriptor: number, entry: ArchiveEntry) {
    this.#descriptor = descriptor;
    this.#entry = entry;
    this.#missing = entry.size;
    if (entry.size === 0) this.#finish(descriptor);
  }

  /** Takes the next piece of content. A promise means: wait for it before the next piece. */
  write(piece: Buffer): Promise<void> | undefined {
    this.#pieces.push(piece);
    this.#gathered += piece.length;
    this.#missing -= piece.length;
    if (this.#descriptor === undefined) return undefined;
    if (this.#entry.size > small) return this.#writeLarge(this.#descriptor);
    if (this.#missing === 0) this.#writeSmall(this.#descriptor);
    return undefined;
  }

  /** Closes a file that will not get the rest of its content. */
  async abandon(): Promise<void> {
    await this.#writing?.catch(() => {});
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #writeSmall(descriptor: number): void {
    for (let rest: readonly Buffer[] = this.#takePieces(); rest.length > 0; ) {
      const [only] = rest;
      const written =
        rest.length === 1 && only !== undefined ? writeSync(descriptor, only) : writevSync(descriptor, rest);
      rest = withoutFirst(rest, written);
    }
    this.#finish(descriptor);
  }

  /** Writes a batch while the next is gathered: resolves when the batch before it is written, at the end when all is. */
  #writeLarge(descriptor: number): Promise<void> | undefined {
    if (this.#gathered < batch && this.#missing > 0) return undefined;
    const before = this.#writing ?? Promise.resolve();
    const pieces = this.#takePieces();
    const writing = before.then(() => writeAll(descriptor, pieces));
    // Whoever waits for it next hears of a failure; until then it must not count as unhandled.
    writing.catch(() => {});
    this.#writing = writing;
    return this.#missing > 0 ? before : writing.then(() => this.#finish(descriptor));
  }

  #finish(descriptor: number): void {
    futimesSync(descriptor, this.#entry.mtime, this.#entry.mtime);
    this.#descriptor = undefined;
    closeSync(descriptor);
  }

  #takePieces(): Buffer[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#gathered = 0;
    return pieces;
  }
}

async function writeAll(descriptor: number, pieces: readonly Buffer[]): Promise<void> {
  for (let rest = pieces; rest.length > 0; ) {
    const written = await new Promise<number>((resolve, reject) => {
      writev(descriptor, rest, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
    rest = withoutFirst(rest, written);
  }
}

/** What is left of the pieces after their first `count` bytes: a disk that is filling up takes a part only. */
function withoutFirst(pieces: readonly Buffer[], count: number): Buffer[] {
  let skip = count;
  const left: Buffer[] = [];
  for (const piece of pieces) {
    if (skip < piece.length) left.push(piece.subarray(skip));
    skip = Math.max(0, skip - piece.length);
  }
  return left;
}
