/**
 * The source's items until the signal aborts: then it throws the signal's reason at once, also while it waits for an item that
 * may never come.
 */
export async function* untilAborted<Item>(
  source: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item, void> {
  const items = source[Symbol.asyncIterator]();
  const watch = new AbortWatch(signal);
  let isDone = false;
  try {
    for (;;) {
      const item = await watch.unlessAborted(items.next());
      isDone = item.done === true;
      if (item.done === true) return;
      yield item.value;
    }
  } finally {
    watch.end();
    // Not waited for: a source that is stuck does not answer this either.
    if (!isDone) items.return?.().catch(() => {});
  }
}

/**
 * One listener for all promises, one after the other: to add and remove one for each takes time, and `Promise.race` with a promise
 * that lasts would keep every result until the end.
 */
class AbortWatch {
  readonly #signal: AbortSignal;
  readonly #abort = (): void => this.#reject?.(this.#signal.reason);
  #reject: ((reason: unknown) => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  unlessAborted<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.#signal.aborted) this.#abort();
      promise.then(resolve, reject);
    });
  }

  end(): void {
    this.#signal.removeEventListener('abort', this.#abort);
  }
}
