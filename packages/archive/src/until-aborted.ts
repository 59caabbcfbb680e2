/**
 * The source's items until the signal aborts: then it throws the signal's reason at once, also while it waits for an item that
 * may never come.
 */
export async function* untilAborted<Item>(
  source: AsyncIterable<Item>,
  signal: AbortSignal,
): AsyncGenerator<Item, void> {
  const items = source[Symbol.asyncIterator]();
  let isDone = false;
  try {
    for (;;) {
      const item = await unlessAborted(items.next(), signal);
      isDone = item.done === true;
      if (item.done === true) return;
      yield item.value;
    }
  } finally {
    // Not waited for: a source that is stuck does not answer this either.
    if (!isDone) items.return?.().catch(() => {});
  }
}

/** A listener of its own for each promise: `Promise.race` with one that lasts would keep every result until the end. */
function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
