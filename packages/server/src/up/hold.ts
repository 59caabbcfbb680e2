import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { Conflict } from '@knitfab/core';
import { type DatabaseHold, holdDatabase, type Store } from '@knitfab/store';
import type { DataDirectory } from './data-directory.ts';

/** Who has a data directory. */
export interface Holder {
  pid: number;
  address?: string;
}

/** One server at a time: the proof is a lock in the database, which goes with its holder however that ends. */
export interface Hold {
  /** Writes down who holds it. */
  announce(holder: Holder): Promise<void>;
  /** Resolves when the lock was lost to somebody else, which only happens after the database had gone. */
  readonly lost: Promise<void>;
  /** The database is about to be stopped by its holder. */
  expectEnd(): void;
  release(): Promise<void>;
}

/**
 * Takes the data directory and its database for this process.
 * @throws {Conflict} naming who holds it
 */
export async function hold({ path, holder }: DataDirectory, store: Store): Promise<Hold> {
  const lock = await takeFromTheDead(store, holder);
  if (lock === undefined) {
    const other = await readHolder(holder);
    const who = other === undefined ? 'another knit up' : `a knit up with process id ${other.pid}`;
    throw new Conflict({
      reason: `${path} is held by ${who}${other?.address === undefined ? '' : `, which serves ${other.address}`}`,
      advice: 'Use that one, stop it (Ctrl-C), or choose another directory with --data-dir DIR.',
    });
  }
  return {
    lost: lock.lost,
    expectEnd: lock.expectEnd,
    release: lock.release,
    async announce(own) {
      await writeFile(`${holder}.new`, `${JSON.stringify(own)}\n`);
      await rename(`${holder}.new`, holder);
    },
  };
}

/** The database takes a moment to see that a killed holder is gone. */
async function takeFromTheDead(store: Store, holder: string): Promise<DatabaseHold | undefined> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const lock = await holdDatabase(store.options);
    if (lock !== undefined || Date.now() > deadline) return lock;
    const other = await readHolder(holder);
    if (other === undefined || isAlive(other.pid)) return undefined;
    await setTimeout(20);
  }
}

function isAlive(pid: number): boolean {
  // In a container each server has the same number, and so had the one that was killed.
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    const { pid, address }: { pid?: unknown; address?: unknown } = JSON.parse(await readFile(file, 'utf8'));
    return typeof pid === 'number' ? { pid, ...(typeof address === 'string' && { address }) } : undefined;
  } catch {
    return undefined;
  }
}
