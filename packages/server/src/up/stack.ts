/** What is to be undone, last things first. */
export class Stack {
  readonly #undo: (() => Promise<void>)[] = [];
  #unwinding: Promise<void> | undefined;

  push(undo: () => Promise<void>): void {
    this.#undo.push(undo);
  }

  /** Undoes everything, each even if another fails; called again, it waits for the same. */
  unwind(): Promise<void> {
    this.#unwinding ??= this.#unwind();
    return this.#unwinding;
  }

  async #unwind(): Promise<void> {
    let first: unknown;
    for (const undo of this.#undo.reverse()) {
      try {
        await undo();
      } catch (error) {
        first ??= error;
      }
    }
    if (first !== undefined) throw first;
  }
}
