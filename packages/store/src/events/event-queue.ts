/** Items for one reader that may be slower than what it reads: as many as the limit, then it is told that it is behind. */
export class EventQueue<Item> {
  readonly #limit: number;
  readonly #signal: AbortSignal;
  #items: Item[] = [];
  #isOpen = false;
  #wake: () => void = () => {};

  constructor(limit: number, signal: AbortSignal) {
    this.#limit = limit;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  /** Takes items from now on, and forgets those that are there. */
  open(): void {
    this.#items = [];
    this.#isOpen = true;
  }

  push(items: readonly Item[]): void {
    if (!this.#isOpen) return;
    if (this.#items.length + items.length > this.#limit) this.#isOpen = false;
    else this.#items.push(...items);
    this.#wake();
  }

  /** The items as they come. It ends when the reader has fallen behind, or the signal aborts. */
  async *read(): AsyncGenerator<Item, void> {
    while (!this.#signal.aborted) {
      const items = this.#items;
      this.#items = [];
      yield* items;
      if (this.#items.length > 0) continue;
      if (!this.#isOpen || this.#signal.aborted) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
