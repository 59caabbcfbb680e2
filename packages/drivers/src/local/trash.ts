import { randomUUID } from 'node:crypto';
import { chmod, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Unavailable } from '@knitfab/core';
import { ShellServer } from './shell-server.ts';

/**
 * Deletes what it is asked to, one line of names after the other, and answers with what is left of them. Directories that their
 * owner may not read or write (a worker can leave such; overlayfs always does) need their rights back first.
 */
const script = `
set -f
while IFS= read -r names; do
  rm -rf -- $names 2>/dev/null || { chmod -R u+rwX -- $names; rm -rf -- $names; } 2>/dev/null
  left=
  for name in $names; do [ ! -e "$name" ] && [ ! -L "$name" ] || left="$left $name"; done
  echo "$left"
done`;

interface Deletion {
  /** In the directory of the trash. */
  readonly name: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** How many trees are given to `rm` at once. */
const batch = 50;
/** How long trees are gathered for that: one process deletes many small ones, and does so when there may be less else to do. */
const gatherMilliseconds = 50;

/**
 * Deletes directory trees: at once, as far as anybody can see, for they are renamed away; their space comes back a little later.
 * What a crash or stop leaves here is deleted at the next start.
 */
export class Trash {
  readonly #directory: string;
  readonly #shell: ShellServer;
  readonly #queue: Deletion[] = [];
  #isBusy = false;

  constructor(directory: string) {
    this.#directory = directory;
    this.#shell = new ShellServer(['/bin/sh', '-c', script, 'knit-trash'], directory);
  }

  /** Begins to delete what was left here. */
  async deleteLeftovers(): Promise<void> {
    for (const name of await readdir(this.#directory)) void this.#delete(name).catch(() => {});
  }

  /**
   * Moves a tree here and deletes it; one that does not exist is deleted already.
   * @returns once the tree is gone from its place; `deleted` settles once its space is given back
   * @throws the system's error when it can't be moved
   */
  async discard(path: string): Promise<{ deleted: Promise<void> }> {
    const name = randomUUID();
    try {
      await this.#move(path, join(this.#directory, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return { deleted: Promise.resolve() };
    }
    const deleted = this.#delete(name);
    deleted.catch(() => {});
    return { deleted };
  }

  /** Stops deleting; what is left is deleted at the next start. */
  close(): Promise<void> {
    return this.#shell.close();
  }

  /** To move a directory, one has to have the right to write into it: its entry `..` changes. */
  async #move(from: string, to: string): Promise<void> {
    try {
      await rename(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
      await chmod(from, 0o700);
      await rename(from, to);
    }
  }

  #delete(name: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ name, resolve, reject });
    void this.#work();
    return promise;
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    await setTimeout(gatherMilliseconds);
    while (this.#queue.length > 0) await this.#deleteLot(this.#queue.splice(0, batch));
    this.#isBusy = false;
  }

  async #deleteLot(lot: Deletion[]): Promise<void> {
    try {
      const left = (await this.#shell.ask(lot.map(({ name }) => name).join(' '))).split(' ');
      for (const { name, resolve, reject } of lot)
        left.includes(name) ? reject(this.#isLeft(name)) : resolve();
    } catch (error) {
      for (const { reject } of lot) reject(error as Error);
    }
  }

  #isLeft(name: string): Unavailable {
    return new Unavailable({
      reason: `${join(this.#directory, name)} can't be deleted`,
      advice: 'Look for what holds it, such as files of another user, and delete it by hand.',
    });
  }
}
