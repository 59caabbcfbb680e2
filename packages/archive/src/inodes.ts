import type { BigIntStats } from 'node:fs';

/** The files of a tree that have more than one name, by the path where each was first met. */
export class Inodes {
  readonly #paths = new Map<string, string>();

  /** Where this file was met before; undefined, and remembered, the first time. */
  earlierPath(stats: BigIntStats, path: string): string | undefined {
    if (stats.nlink < 2n) return undefined;
    const identity = `${stats.dev}:${stats.ino}`;
    const earlier = this.#paths.get(identity);
    if (earlier === undefined) this.#paths.set(identity, path);
    return earlier;
  }
}
