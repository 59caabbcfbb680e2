import { setTimeout } from 'node:timers/promises';
import { KnitError } from '@knitfab/core';
import { note } from '../output/print.ts';

const [shortestPause, longestPause] = [250, 5000];
/** An outage that is over sooner is not worth a word, in milliseconds. */
const worthAWord = 1000;

/** Requests that go on over a restart of the server: once it has answered, that it does not is taken for a break. */
export class Patience {
  readonly #apiRoot: string;
  readonly #signal: AbortSignal;
  #wasReached = false;

  /** @param signal ends the waiting, with its reason */
  constructor(apiRoot: string, signal: AbortSignal) {
    this.#apiRoot = apiRoot;
    this.#signal = signal;
  }

  /**
   * Does a request again until it succeeds, with pauses that grow.
   * @throws what the first request of all fails with, and what is no break of the connection
   */
  async request<Result>(attempt: () => Promise<Result>): Promise<Result> {
    let pause = shortestPause;
    const startedAt = performance.now();
    for (let saidSo = false; ; ) {
      try {
        const result = await this.#untilAborted(attempt());
        this.#wasReached = true;
        if (saidSo) note(`The server at ${this.#apiRoot} answers again.`);
        return result;
      } catch (error) {
        if (this.#signal.aborted) throw this.#signal.reason;
        if (!this.#wasReached || !mayPass(error)) throw error;
        if (!saidSo && performance.now() - startedAt > worthAWord) {
          note(`${(error as KnitError).reason}. Trying again …`);
          saidSo = true;
        }
      }
      await this.#untilAborted(setTimeout(pause, undefined, { signal: this.#signal }));
      pause = Math.min(pause * 2, longestPause);
    }
  }

  async #untilAborted<Result>(promise: Promise<Result>): Promise<Result> {
    const signal = this.#signal;
    // What lost the race may fail later, when nobody asks any more.
    promise.catch(() => {});
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    return await Promise.race([promise, aborted.promise]).finally(() =>
      signal.removeEventListener('abort', abort),
    );
  }
}

/** Whether a failure may pass by itself: nobody answers, or what stands before the server says that nobody does. */
export const mayPass = (error: unknown): boolean =>
  error instanceof KnitError && [502, 503, 504].includes(error.status);
