import { setTimeout } from 'node:timers/promises';

/** How long one part may take to stop; a database that writes everything out takes the longest. */
const deadlineMilliseconds = 20_000;

interface Part {
  name: string;
  stop: () => Promise<void>;
}

/** Parts that are to be stopped, the last one first. */
export class Stack {
  readonly #parts: Part[] = [];
  readonly #complain: (details: object, message: string) => void;
  #unwinding: Promise<void> | undefined;

  constructor(complain: (details: object, message: string) => void) {
    this.#complain = complain;
  }

  push(name: string, stop: () => Promise<void>): void {
    this.#parts.push({ name, stop });
  }

  /** Stops all parts, each even if another fails or never ends; called again, it waits for the same. */
  unwind(): Promise<void> {
    this.#unwinding ??= this.#unwind();
    return this.#unwinding;
  }

  async #unwind(): Promise<void> {
    for (const { name, stop } of this.#parts.reverse()) {
      const late = setTimeout(deadlineMilliseconds, 'late', { ref: false });
      const outcome = await Promise.race([stop().catch((error: unknown) => ({ error })), late]);
      if (outcome !== undefined) this.#complain({ part: name, outcome }, 'a part could not be stopped');
    }
  }
}
