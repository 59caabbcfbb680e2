import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Privileges } from './privileges.ts';
import { formatWorkerFile, type WorkerFile } from './worker-file.ts';
import { temporaryDirectory } from './worker-fstab.ts';

/**
 * Makes the directory of a worker, with all that its scripts need (worker-script.ts). It may be done again, as long as nobody has
 * claimed the worker. Files are few: ext4 takes longer for each new one, the more have been deleted in the last seconds (measured).
 */
export function fillWorkerDirectory(
  directory: string,
  fstab: string,
  file: WorkerFile,
  privileges: Privileges,
): void {
  const temporary = join(directory, temporaryDirectory);
  mkdirSync(temporary, { recursive: true });
  // Everybody may write to it, and delete only what is theirs.
  chmodSync(temporary, 0o1777);
  writeFileSync(join(directory, 'worker'), formatWorkerFile(file, privileges));
  writeFileSync(join(directory, 'fstab'), fstab);
}
