import { readdirSync } from 'node:fs';
import type { WorkerNote } from './worker-record.ts';

/** The numbers of the NVIDIA graphics cards of this machine, by their device files. */
export function machineGraphicsCards(devices = '/dev'): number[] {
  try {
    return readdirSync(devices)
      .flatMap((name) => /^nvidia(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

interface Waiting {
  readonly worker: string;
  readonly count: number;
  readonly resolve: (cards: readonly number[]) => void;
}

/** Gives each worker graphics cards of its own: they can't be shared out in parts, and two programs on one fail for want of memory. */
export class GraphicsCards {
  readonly #all: readonly number[];
  readonly #owners = new Map<number, string>();
  #queue: Waiting[] = [];

  constructor(all: readonly number[]) {
    this.#all = all;
  }

  /** What a worker of an earlier time has, by its note. */
  restore({ spec, graphicsCards }: WorkerNote): void {
    for (const card of graphicsCards) this.#owners.set(card, spec.name);
  }

  /** Waits until there are so many, in the order of asking. @throws the signal's reason */
  async take(worker: string, count: number, signal: AbortSignal): Promise<readonly number[]> {
    if (count === 0) return [];
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    const abandon = () => {
      this.#queue = this.#queue.filter((each) => each.worker !== worker);
      reject(signal.reason);
    };
    signal.addEventListener('abort', abandon, { once: true });
    this.#queue.push({ worker, count, resolve });
    this.#share();
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', abandon);
    }
  }

  release(worker: string): void {
    for (const [card, owner] of this.#owners) if (owner === worker) this.#owners.delete(card);
    this.#share();
  }

  #share(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      const free = this.#all.filter((card) => !this.#owners.has(card));
      if (free.length < first.count) return;
      const cards = free.slice(0, first.count);
      for (const card of cards) this.#owners.set(card, first.worker);
      this.#queue.shift();
      first.resolve(cards);
    }
  }
}
