import { closeSync, type FSWatcher, ftruncateSync, openSync, readSync, watch } from 'node:fs';
import { Unavailable } from '@knitfab/core';

/** The file of events is emptied when it is longer than this. */
const maxFileBytes = 1024 * 1024;
const pieceBytes = 64 * 1024;

/**
 * Tells of changes of workers' states. Workers' scripts append the worker's name to one file, which the kernel watches (inotify);
 * so nothing has to be made and deleted for each worker.
 */
export class WorkerEvents {
  readonly #workers: () => readonly string[];
  readonly #file: number;
  readonly #watcher: FSWatcher;
  readonly #listeners = new Set<(name: string) => void>();
  readonly #failed = Promise.withResolvers<never>();
  #read = 0;
  #rest = '';

  /**
   * @param workers the names of all workers
   * @throws {Unavailable} when the user watches too many things already
   */
  constructor(file: string, workers: () => readonly string[]) {
    this.#workers = workers;
    this.#failed.promise.catch(() => {});
    this.#file = openSync(file, 'r+');
    ftruncateSync(this.#file);
    try {
      this.#watcher = watch(file, () => this.#tell());
    } catch (cause) {
      closeSync(this.#file);
      throw cannotWatch(cause);
    }
    this.#watcher.on('error', (cause) => this.#failed.reject(cannotWatch(cause)));
  }

  /** Rejects when no more changes will be heard of. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** @returns a function that ends it */
  listen(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for a worker's next change, but not for longer than this. */
  async next(worker: string, milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    const unlisten = this.listen((name) => {
      if (name === worker) resolve();
    });
    await promise;
    clearTimeout(timer);
    unlisten();
  }

  close(): void {
    this.#watcher.close();
    closeSync(this.#file);
  }

  #tell(): void {
    const names = new Set(this.#newNames());
    if (this.#read > maxFileBytes) {
      ftruncateSync(this.#file);
      this.#read = 0;
      // What was written since the last read is lost: any may have changed.
      for (const name of this.#workers()) names.add(name);
    }
    for (const name of names) for (const listener of this.#listeners) listener(name);
  }

  #newNames(): string[] {
    const lines: string[] = [];
    const piece = Buffer.allocUnsafe(pieceBytes);
    for (;;) {
      const length = readSync(this.#file, piece, 0, pieceBytes, this.#read);
      if (length === 0) return lines;
      this.#read += length;
      const parts = (this.#rest + piece.toString('latin1', 0, length)).split('\n');
      this.#rest = parts.pop() ?? '';
      lines.push(...parts);
    }
  }
}

const cannotWatch = (cause: unknown): Unavailable =>
  new Unavailable({
    reason: `workers can't be watched: ${(cause as Error).message}`,
    advice: 'Raise the limits: sysctl fs.inotify.max_user_instances and fs.inotify.max_user_watches.',
    cause,
  });
