import { readFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Unavailable } from '@knitfab/core';

/** What a worker may use at most; undefined or 0 for any amount. */
export interface Limits {
  /** Cores */
  readonly cpu?: number;
  /** Bytes */
  readonly memory?: number;
}

/** The control groups of one worker: a directory for each hierarchy that limits something. Kept with the worker. */
export type LimitGroups =
  | { readonly version: 1; readonly memory?: string; readonly cpu?: string }
  | { readonly version: 2; readonly directory: string };

/** Makes control groups; one implementation for each version of the kernel's interface. */
export interface LimitControl {
  /** Limits that can't be set, and why, as a sentence for whoever reads the Run. */
  readonly lacking?: string;
  /** The groups that a worker with these limits has to have. */
  groupsFor(worker: string, limits: Limits): LimitGroups | undefined;
  /** Makes them; those that are there get these limits. */
  create(groups: LimitGroups, limits: Limits): void;
  /** Removes the group around those of a worker, unless it has more in it, or new workers will be there. */
  tidy(groups: LimitGroups): void;
  /** Removes what was made for all workers together, unless some are left. */
  close(): void;
}

/** How the kernel counted a worker's memory: page cache and files in memory included. */
export interface MemoryUse {
  readonly peakBytes?: number;
  /** Processes that were killed because the limit was reached. */
  readonly kills: number;
}

export const directoriesOf = (groups: LimitGroups): string[] =>
  (groups.version === 2 ? [groups.directory] : [groups.memory, groups.cpu]).filter(
    (each) => each !== undefined,
  );

/** The files to which a process writes `0` to join. */
export const joinFiles = (groups: LimitGroups): string[] =>
  directoriesOf(groups).map((directory) => join(directory, 'cgroup.procs'));

/** Reads how much memory a worker has used; undefined when it was not counted. */
export function memoryUse(groups: LimitGroups): MemoryUse | undefined {
  const [directory, peak, events] =
    groups.version === 2
      ? [groups.directory, 'memory.peak', 'memory.events']
      : [groups.memory, 'memory.max_usage_in_bytes', 'memory.oom_control'];
  if (directory === undefined) return undefined;
  const peakText = readIfThere(join(directory, peak));
  const eventsText = readIfThere(join(directory, events));
  const kills = Number(/^oom_kill (\d+)$/m.exec(eventsText)?.[1] ?? 0);
  return { kills, ...(peakText !== '' && { peakBytes: Number(peakText) }) };
}

/** After a restart of the machine there are no groups, and older kernels don't count all. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** How long the kernel may need to let go of a group after its last process has ended. */
const releaseMilliseconds = 2000;

/** @throws {Unavailable} when one is still in use */
export async function removeGroups(groups: LimitGroups): Promise<void> {
  await Promise.all(directoriesOf(groups).map(removeGroup));
}

async function removeGroup(directory: string): Promise<void> {
  const deadline = Date.now() + releaseMilliseconds;
  for (let pause = 2; ; pause *= 2) {
    try {
      return await rmdir(directory);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || Date.now() > deadline) {
        throw new Unavailable({
          reason: `the control group ${directory} can't be removed: ${message}`,
          advice: 'See which processes are in it (cgroup.procs), and end them.',
          cause: error,
        });
      }
      await setTimeout(pause);
    }
  }
}
