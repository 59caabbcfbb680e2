import { fdatasync, fstatSync, openSync, read, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { logFile } from '@knitfab/drivers/kubernetes/pod-wire';

const readAt = promisify(read);
const sync = promisify(fdatasync);

/** A log that is being written to its volume, and read from there. */
export class RecordedLog {
  readonly #descriptor: number | undefined;
  readonly #listeners = new Set<() => void>();
  #length = 0;
  #lost = 0;
  #isComplete = false;
  #fault: string | undefined;

  constructor(directory: string) {
    try {
      this.#descriptor = openSync(join(directory, logFile), 'a+', 0o644);
      this.#length = fstatSync(this.#descriptor).size;
    } catch (error) {
      this.fail(error);
    }
  }

  /** Whether nothing will be added any more. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** What was lost, and why. */
  get failure(): string | undefined {
    if (this.#fault === undefined) return undefined;
    return `the log can't be written to its volume: ${this.#fault}; its first ${this.#length} bytes are kept, ${this.#lost} bytes after them are lost`;
  }

  /**
   * Adds a piece. After a failure nothing is added any more, as a log with a hole would be worse than one that ends early, and
   * whoever writes must not wait for ever.
   */
  append(piece: Uint8Array): void {
    let done = 0;
    try {
      if (this.#descriptor !== undefined && this.#fault === undefined)
        // At once, in this thread: the pipe is read no faster than the volume takes it.
        while (done < piece.length) done += writeSync(this.#descriptor, piece, done);
    } catch (error) {
      this.fail(error);
    }
    this.#length += done;
    this.#lost += piece.length - done;
    this.#tell();
  }

  fail(error: unknown): void {
    this.#fault ??= error instanceof Error ? error.message : String(error);
  }

  /** Makes it survive a power cut, and tells whoever follows that it is complete. */
  async finish(): Promise<void> {
    try {
      if (this.#descriptor !== undefined) await sync(this.#descriptor);
    } catch (error) {
      this.fail(error);
    }
    this.#isComplete = true;
    this.#tell();
  }

  /** @returns how many bytes there are at a position, none at the end */
  async read(buffer: Buffer, position: number): Promise<number> {
    if (this.#descriptor === undefined) return 0;
    return (await readAt(this.#descriptor, buffer, 0, buffer.length, position)).bytesRead;
  }

  /** Calls back when something was added or it is complete. @returns a function that ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
