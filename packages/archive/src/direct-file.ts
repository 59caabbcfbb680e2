import { closeSync, writevSync } from 'node:fs';
import type { ArchiveEntry } from './archive-entry.ts';
import { giveBack } from './give-back.ts';
import { afterFirst, finishFile, type WrittenFile } from './written-file.ts';

/** How much is gathered before it is written (bytes): what is still in the processor's cache then. */
const batch = 256 * 1024;

/** A large file that is written by calls that block: for a process that has nothing else to do. */
export class DirectFile implements WrittenFile {
  readonly #descriptor: number;
  readonly #mtime: number;
  #missing: number;
  #pieces: Buffer[] = [];
  #gathered = 0;
  #isClosed = false;

  constructor(descriptor: number, { size, mtime }: ArchiveEntry) {
    this.#descriptor = descriptor;
    this.#mtime = mtime;
    this.#missing = size;
  }

  write(piece: Buffer): undefined {
    this.#pieces.push(piece);
    this.#gathered += piece.length;
    this.#missing -= piece.length;
    if (this.#gathered >= batch || this.#missing === 0) this.#writeBatch();
    if (this.#missing > 0) return;
    finishFile(this.#descriptor, this.#mtime);
    this.#isClosed = true;
  }

  async abandon(): Promise<void> {
    if (!this.#isClosed) closeSync(this.#descriptor);
  }

  #writeBatch(): void {
    for (let rest = this.#pieces; rest.length > 0; ) {
      rest = afterFirst(writevSync(this.#descriptor, rest), rest);
    }
    for (const piece of this.#pieces) giveBack(piece);
    this.#pieces = [];
    this.#gathered = 0;
  }
}
