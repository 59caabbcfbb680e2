import { setTimeout } from 'node:timers/promises';
import type { Client, RunSummary } from '@knitfab/api';

const [shortestPause, longestPause] = [200, 5000];
/** Changes that come together are looked at together, in milliseconds. */
const together = 50;

/** What may have changed: these Runs, or any. */
export type Changed = ReadonlySet<string> | 'any';

/**
 * Tells when to look at Runs again: when the server says that they changed, and now and then in any case, after pauses that
 * grow. That is all there is for a server as old as 1.6, which sends no events.
 */
export class Changes {
  readonly #signal: AbortSignal;
  readonly #ended = new AbortController();
  #runIds = new Set<string>();
  #isAnyChanged = false;
  #pause = shortestPause;
  #wake = Promise.withResolvers<void>();

  /** @param onRun told of each change of a Run */
  constructor(client: Client, signal: AbortSignal, onRun: (run: RunSummary) => void = () => {}) {
    this.#signal = signal;
    void this.#listen(client, onRun);
  }

  /**
   * Waits until there may be a change.
   * @param atMost milliseconds after which it comes back in any case
   */
  async next(atMost = Number.POSITIVE_INFINITY): Promise<Changed> {
    const over = new AbortController();
    const signal = AbortSignal.any([this.#signal, over.signal]);
    const pause = setTimeout(Math.min(this.#pause, atMost), 'pause', { signal });
    try {
      const first = await Promise.race([this.#wake.promise.then(() => 'wake'), pause]);
      if (first === 'wake') await setTimeout(together, undefined, { signal });
      this.#pause = first === 'wake' ? shortestPause : Math.min(this.#pause * 1.5, longestPause);
      return first === 'wake' && !this.#isAnyChanged ? this.#runIds : 'any';
    } catch (error) {
      this.#signal.throwIfAborted();
      throw error;
    } finally {
      over.abort();
      pause.catch(() => {});
      this.#runIds = new Set();
      this.#isAnyChanged = false;
      this.#wake = Promise.withResolvers<void>();
    }
  }

  close(): void {
    this.#ended.abort();
  }

  async #listen(client: Client, onRun: (run: RunSummary) => void): Promise<void> {
    const signal = AbortSignal.any([this.#signal, this.#ended.signal]);
    try {
      for await (const { event, data } of client.events({ signal })) {
        if (event === 'run') onRun(data);
        if (event === 'run' || event === 'run-deleted') this.#runIds.add(data.runId);
        else if (event === 'reset') this.#isAnyChanged = true;
        else continue;
        this.#wake.resolve();
      }
    } catch {
      // Without events there are the pauses; what is wrong with the server shows when it is asked.
    }
  }
}
