import { chmod, mkdir, writeFile } from 'node:fs/promises';
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
export async function fillWorkerDirectory(
  directory: string,
  { mounts, scratch, command }: WorkerDirectory,
  tools: SystemTools,
  privileges: Privileges,
): Promise<void> {
  const onDisk = scratch === 'disk' ? mounts.scratch : ['scratch'];
  const script = formatWorkerCommand(
    { ...command, ...(scratch === 'memory' && { scratch: mounts.scratch }) },
    tools,
    privileges,
  );
  await Promise.all([
    writeFile(join(directory, 'fstab'), mounts.fstab),
    writeFile(join(directory, 'worker'), script),
    ...onDisk.map((name) => mkdir(join(directory, name), { recursive: true })),
    ...mounts.temporary.map((name) => makeTemporary(join(directory, name))),
  ]);
}

/** Everybody may write to it, and delete only what is theirs. */
async function makeTemporary(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o1777);
}
