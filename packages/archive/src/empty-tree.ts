import { chmodSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { systemCode } from './system-error.ts';
import { TimeSlice } from './time-slice.ts';

/**
 * Removes all that a directory holds, read-only directories too. Links are removed, not followed; names may be any bytes.
 * @throws the system's error when something can't be removed
 */
export function emptyTree(directory: string): Promise<void> {
  return empty(Buffer.from(directory), new TimeSlice());
}

async function empty(directory: Buffer, slice: TimeSlice): Promise<void> {
  makeWritable(directory);
  for (const name of readdirSync(directory, { encoding: 'buffer' })) {
    const location = Buffer.concat([directory, Buffer.from('/'), name]);
    if (!removeUnlessDirectory(location)) {
      await empty(location, slice);
      rmdirSync(location);
    }
    if (slice.isOver) await slice.next();
  }
}

/** A directory that belongs to someone else may be writable all the same. */
function makeWritable(directory: Buffer): void {
  try {
    chmodSync(directory, 0o700);
  } catch (error) {
    if (systemCode(error) !== 'EPERM') throw error;
  }
}

/** Whether it is gone now. */
function removeUnlessDirectory(location: Buffer): boolean {
  try {
    unlinkSync(location);
    return true;
  } catch (error) {
    if (lstatSync(location).isDirectory()) return false;
    throw error;
  }
}
