import { type FSWatcher, watch } from 'node:fs';
import { Unavailable } from '@knitfab/core';

/** Tells of changes of workers' states: their scripts write to files in one directory, which the kernel watches (inotify). */
export class WorkerEvents {
  readonly #watcher: FSWatcher;
  readonly #listeners = new Set<(name: string) => void>();
  readonly #failed = Promise.withResolvers<never>();

  /** @throws {Unavailable} when the user watches too many things already */
  constructor(directory: string) {
    this.#failed.promise.catch(() => {});
    try {
      this.#watcher = watch(directory);
    } catch (cause) {
      throw cannotWatch(cause);
    }
    this.#watcher.on('error', (cause) => this.#failed.reject(cannotWatch(cause)));
    this.#watcher.on('change', (type, name) => {
      // The other type is of files that come and go; the scripts' writing is what counts.
      if (type === 'change' && typeof name === 'string')
        for (const listener of this.#listeners) listener(name);
    });
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
  }
}

const cannotWatch = (cause: unknown): Unavailable =>
  new Unavailable({
    reason: `workers can't be watched: ${(cause as Error).message}`,
    advice: 'Raise the limits: sysctl fs.inotify.max_user_instances and fs.inotify.max_user_watches.',
    cause,
  });
