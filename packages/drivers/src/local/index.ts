import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { Unavailable } from '@knitfab/core';
import type { Capacity, Drivers } from '@knitfab/engine';
import { machineCapacity } from './capacity.ts';
import { CodeDigests } from './code-digests.ts';
import { openDevices } from './devices.ts';
import { openLimits } from './limits/open-limits.ts';
import { isDirectory } from './machine.ts';
import { isBelow, parseMountTable, readMountTable } from './mount-table.ts';
import { noNamespaces } from './namespace-rights.ts';
import { openPlaces, type Places } from './places.ts';
import { privilegesOf } from './privileges.ts';
import { bootId } from './process-identity.ts';
import { ShellServer } from './shell-server.ts';
import { findSystemTools } from './system-tools.ts';
import { LocalTransfers } from './transfers.ts';
import { Trash } from './trash.ts';
import { Trial } from './trial.ts';
import { Views } from './views.ts';
import { LocalVolumes } from './volumes.ts';
import { WorkerEnd } from './worker-end.ts';
import { workerEnvironment } from './worker-environment.ts';
import { WorkerEvents } from './worker-events.ts';
import { openWorkerScripts } from './worker-script.ts';
import { WorkerStart } from './worker-start.ts';
import { LocalWorkers } from './workers.ts';

export interface LocalDriversOptions {
  /** Where volumes and workers are kept: a directory in one file system. Only one process at a time may use it. */
  readonly directory: string;
  /** What all workers together may use; all that the machine has when left out. */
  readonly capacity?: Capacity;
  /** Variables for all workers, besides those that they take over from this process (see worker-environment.ts). */
  readonly environment?: Readonly<Record<string, string>>;
  /** Directories of which workers see nothing, besides the driver's own, such as a database's. */
  readonly hidden?: readonly string[];
  /** How long a worker that is removed has between SIGTERM and SIGKILL; 10 seconds when left out. */
  readonly stopGraceSeconds?: number;
}

export interface LocalDrivers extends Drivers {
  readonly volumes: LocalVolumes;
  readonly trash: Trash;
  /** Stops watching; workers go on. */
  close(): Promise<void>;
}

/**
 * The drivers for one Linux machine without a container engine: volumes are directories, workers are processes that see the machine
 * itself without being able to change it (architecture, "Drivers").
 * @throws {Unavailable} when the machine or the user's rights don't allow it, with what to do
 */
export async function createLocalDrivers(options: LocalDriversOptions): Promise<LocalDrivers> {
  const { getuid, getgid } = process;
  if (process.platform !== 'linux' || getuid === undefined || getgid === undefined) {
    throw new Unavailable({
      reason: `the local driver needs Linux, and this machine runs ${process.platform}`,
      advice: 'Use a Linux machine, or a virtual one.',
    });
  }
  const tools = await findSystemTools();
  const privileges = privilegesOf(tools, { uid: getuid(), gid: getgid() });
  const places = await openPlaces(options.directory);
  const trash = new Trash(places.trash);
  const trial = new Trial(tools, privileges, places, trash);
  const complaint = await trial.enter();
  if (complaint !== undefined) throw await noNamespaces(privileges.isRoot, complaint);

  const facts = {
    isRoot: privileges.isRoot,
    home: await realDirectory(homedir()),
    temporary: await realDirectories(['/tmp', '/var/tmp']),
    hidden: await realDirectories([places.directory, ...(options.hidden ?? [])]),
  };
  const views = new Views(facts, places, await openDevices(places), trial);
  const boot = bootId();
  const scripts = await openWorkerScripts(tools, privileges, places, boot);
  const failure = await trial.start(await views.current(), scripts.init);
  if (failure !== undefined) throw await noNamespaces(privileges.isRoot, failure);

  const mounts = parseMountTable(readMountTable());
  const limits = await openLimits(mounts, groupName(places));
  const launcher = new ShellServer(scripts.launcher, places.workers);
  const volumes = new LocalVolumes(places, trash);
  const events = new WorkerEvents(places.events, () => readdirSync(places.workers));
  const capacity = options.capacity ?? machineCapacity();
  const workers = new LocalWorkers({
    places,
    capacity,
    boot,
    volumes,
    trash,
    views,
    events,
    limits,
    start: new WorkerStart({
      places,
      privileges,
      views,
      volumes,
      limits,
      digests: new CodeDigests(),
      launcher,
      capacity,
      environment: { ...workerEnvironment(), ...options.environment },
    }),
    end: new WorkerEnd(events, privileges, 1000 * (options.stopGraceSeconds ?? 10)),
  });
  await trash.deleteLeftovers();
  return {
    volumes,
    trash,
    workers,
    transfers: new LocalTransfers(volumes),
    close: async () => {
      events.close();
      limits.close();
      await Promise.all([launcher.close(), trash.close()]);
    },
  };
}

/** The name of the control groups of this directory's workers: there may be other servers on the machine. */
const groupName = ({ directory }: Places): string =>
  `knit-${createHash('sha256').update(directory).digest('hex').slice(0, 12)}`;

async function realDirectory(path: string): Promise<string | undefined> {
  const real = await realpath(path).catch(() => undefined);
  return real !== undefined && real !== '/' && isDirectory(real) ? real : undefined;
}

/** Without those that are missing, and those that lie within others. */
async function realDirectories(paths: readonly string[]): Promise<string[]> {
  const found = (await Promise.all(paths.map(realDirectory))).filter((path) => path !== undefined);
  return [...new Set(found)].filter((path) => !found.some((other) => isBelow(path, other)));
}
