import { appendFile, chmod, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Invalid } from '@knitfab/core';

/** The directories of the local driver. All lie in one file system: things are moved between them by renaming. */
export interface Places {
  readonly directory: string;
  /** One directory for each volume, named as the volume. */
  readonly volumes: string;
  /** One directory for each worker, named as the worker: all that is known of it, and its scratch space. */
  readonly workers: string;
  /** A file: workers whose state has changed, by name, one a line. */
  readonly events: string;
  /** How workers are launched, as shell scripts. */
  readonly scripts: string;
  /** What waits to be deleted. */
  readonly trash: string;
  /** Where a worker's root file system is put together; each worker mounts there in a namespace of its own. */
  readonly root: string;
  /** Where a worker mounts a file system in memory, for what is written to its copy-on-write layers. */
  readonly scratch: string;
  /** What a worker's /dev is made of. */
  readonly devices: string;
  /** Directories to start root file systems from, where the machine's own root can't be the start. */
  readonly skeletons: string;
  /** An empty directory, to hide others behind. */
  readonly empty: string;
}

/**
 * Places as paths from a worker's directory, for options of mounts in which the whole path could have characters with a meaning.
 * The trash is as deep.
 */
export const fromWorker = { scratch: '../../scratch', skeletons: '../../skeletons' } as const;

/** Makes the directories where they are missing. */
export async function openPlaces(directory: string): Promise<Places> {
  await mkdir(directory, { recursive: true });
  const real = await realpath(directory);
  const places: Places = {
    directory: real,
    volumes: join(real, 'volumes'),
    workers: join(real, 'workers'),
    events: join(real, 'events'),
    scripts: join(real, 'scripts'),
    trash: join(real, 'trash'),
    root: join(real, 'root'),
    scratch: join(real, 'scratch'),
    devices: join(real, 'dev'),
    skeletons: join(real, 'skeletons'),
    empty: join(real, 'empty'),
  };
  const { events, ...directories } = places;
  await Promise.all(Object.values(directories).map((path) => mkdir(path, { recursive: true })));
  await appendFile(events, '');
  // Whatever the umask: these two are seen by workers, whose processes may run as other users.
  await Promise.all([places.devices, places.empty].map((path) => chmod(path, 0o755)));
  // Others get at Data by the server only; what containers write to is open to everybody who gets there.
  await chmod(places.volumes, 0o700);
  return places;
}

/**
 * Checks the name of a volume or worker before it becomes part of a path.
 * @throws {Invalid} when it could lead out of its directory
 */
export function checkName(name: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(name)) return;
  throw new Invalid({
    reason: `"${name}" can't be the name of a volume or worker`,
    advice: 'Use letters, digits, ".", "_" and "-", at most 200, a letter or digit first.',
  });
}
