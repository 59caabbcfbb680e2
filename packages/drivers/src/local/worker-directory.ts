import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Privileges } from './privileges.ts';
import type { SystemTools } from './system-tools.ts';
import { formatWorkerCommand, type WorkerCommand } from './worker-command.ts';
import type { View, WorkerMounts } from './worker-mounts.ts';

export interface WorkerDirectory {
  readonly mounts: WorkerMounts;
  readonly scratch: View['scratch'];
  readonly command: Omit<WorkerCommand, 'scratch'>;
}

/**
 * Fills the directory of a worker with all that its scripts need (worker-script.ts). It may be done again, as long as nobody has
 * claimed the worker.
 */
export function fillWorkerDirectory(
  directory: string,
  { mounts, scratch, command }: WorkerDirectory,
  tools: SystemTools,
  privileges: Privileges,
): void {
  const onDisk = scratch === 'disk' ? mounts.scratch : ['scratch'];
  const script = formatWorkerCommand(
    { ...command, ...(scratch === 'memory' && { scratch: mounts.scratch }) },
    tools,
    privileges,
  );
  writeFileSync(join(directory, 'fstab'), mounts.fstab);
  writeFileSync(join(directory, 'worker'), script);
  for (const name of onDisk) mkdirSync(join(directory, name), { recursive: true });
  for (const name of mounts.temporary) {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    // Everybody may write to it, and delete only what is theirs.
    chmodSync(path, 0o1777);
  }
}
