import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Directories that this process is making, to tell them from those that a killed process of the same id has left. */
const inProgress = new Set<string>();

/**
 * Makes a directory as a whole or not at all: it is made under another name and renamed when complete. What a killed
 * process has left of an earlier attempt is removed. When another process is first, its directory stays.
 * @param make fills the empty directory it is given
 */
export async function makeWhole(
  directory: string,
  make: (unfinished: string) => Promise<void>,
): Promise<void> {
  await removeUnfinished(directory);
  const unfinished = `${directory}.unfinished-${process.pid}-${randomBytes(4).toString('hex')}`;
  inProgress.add(unfinished);
  try {
    await mkdir(unfinished, { mode: 0o700 });
    await make(unfinished);
    await rename(unfinished, directory);
  } catch (error) {
    await remove(unfinished);
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  } finally {
    inProgress.delete(unfinished);
  }
}

async function removeUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(dirname(directory))) {
    const [, pid] = name.startsWith(basename(directory)) ? (/\.unfinished-(\d+)-/.exec(name) ?? []) : [];
    const path = join(dirname(directory), name);
    if (pid !== undefined && !isInProgress(path, Number(pid))) await remove(path);
  }
}

const isInProgress = (path: string, pid: number): boolean =>
  pid === process.pid ? inProgress.has(path) : exists(pid);

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Tries more than once: a program that was orphaned in the middle may still be writing. */
const remove = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
