import { chmodSync, statSync } from 'node:fs';
import type { WorkerSpec } from '@knitfab/engine';
import type { Ownership } from './ownership.ts';

/** What is done with a worker's output directories when nobody writes to them any more. */
export class WorkerOutputs {
  readonly #directoryOf: (volume: string) => string;
  readonly #ownership: Ownership;

  constructor(directoryOf: (volume: string) => string, ownership: Ownership) {
    this.#directoryOf = directoryOf;
    this.#ownership = ownership;
  }

  /** Gives the server back what other users have made, and takes from everybody the right to write that they needed. */
  async settle({ outputs }: WorkerSpec): Promise<void> {
    const directories = outputs.map(({ volume }) => this.#directoryOf(volume));
    const existing = directories.filter((each) => statSync(each, { throwIfNoEntry: false }) !== undefined);
    await this.#ownership.take(existing);
    for (const directory of existing) {
      const mode = statSync(directory).mode & 0o7777;
      if (mode === 0o777) chmodSync(directory, 0o777 & ~process.umask());
    }
  }
}
