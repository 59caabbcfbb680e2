import { execFile } from 'node:child_process';
import { constants, lstatSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { systemCode } from './system-error.ts';

const run = promisify(execFile);

/** Up to this many files and directories, writing each to the disk is faster than writing the whole file system (measured). */
const few = 16;

/**
 * Makes a tree that nobody writes to any more survive a power cut: contents, names and the tree's own name in its parent.
 * Takes milliseconds for a few small files.
 * @throws the system's error when the disk fails
 */
export async function syncTree(directory: string): Promise<void> {
  try {
    const locations = locationsIn(directory);
    if (locations === 'many') return await syncFileSystem(directory);
    await Promise.all([dirname(directory), ...locations].map(syncOne));
  } catch (error) {
    if (!isNotOurs(error)) throw error;
    await syncFileSystem(directory);
  }
}

/** The directory and all files and directories in it, unless there are many; links are in their directories already. */
function locationsIn(directory: string): Buffer[] | 'many' {
  const root = Buffer.from(directory);
  const locations = [root];
  const directories = [root];
  for (const parent of directories) {
    for (const name of readdirSync(parent, { encoding: 'buffer' })) {
      const location = Buffer.concat([parent, Buffer.from('/'), name]);
      const stats = lstatSync(location);
      if (stats.isDirectory()) directories.push(location);
      if (stats.isDirectory() || stats.isFile()) locations.push(location);
      if (locations.length > few) return 'many';
    }
  }
  return locations;
}

async function syncOne(location: string | Buffer): Promise<void> {
  const handle = await open(location, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether only someone with more rights, or the system itself, can do it. */
const isNotOurs = (error: unknown): boolean =>
  ['EACCES', 'EPERM', 'EINVAL'].includes(systemCode(error) ?? '');

/**
 * Syncs the file system of the directory where `sync` knows how (GNU coreutils) and may open it, all file systems otherwise.
 * @throws an error with what `sync` says when the disk fails
 */
export async function syncFileSystem(directory: string): Promise<void> {
  try {
    await run('sync', ['-f', directory], { env: { ...process.env, LC_ALL: 'C' } });
  } catch (error) {
    if (error instanceof Error && error.message.includes('error syncing')) throw error;
    await run('sync');
  }
}
