import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it that are missing; one that is there stays as it is. Not `mkdir` with `recursive`: Node
 * never comes back from that where a directory can't be made although the one above it is there, as below /proc.
 * @param mode of the last directory; those above it get the usual one
 * @throws the system's error
 */
export async function makeDirectory(path: string, mode = 0o777): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await mkdir(path, { mode });
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') return await checkDirectory(path, error);
      if (code !== 'ENOENT' || tries > 0 || dirname(path) === path) throw error;
      await makeDirectory(dirname(path));
    }
  }
}

async function checkDirectory(path: string, error: unknown): Promise<void> {
  if (!(await stat(path)).isDirectory())
    throw Object.assign(new Error(`${path} is not a directory`), { code: 'ENOTDIR', cause: error });
}
