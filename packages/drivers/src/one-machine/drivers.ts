import { existsSync, readdirSync } from 'node:fs';
import { Unavailable } from '@knitfab/core';
import type { Capacity, Drivers, WorkerDriver } from '@knitfab/engine';
import { type Engine, findEngine, openContainerWorkers } from '../docker/index.ts';
import { machineCapacity } from '../local/capacity.ts';
import { createLocalDrivers } from '../local/index.ts';
import { openPlaces } from '../local/places.ts';
import { LocalTransfers } from '../local/transfers.ts';
import { Trash } from '../local/trash.ts';
import { LocalVolumes } from '../local/volumes.ts';
import { MachineWorkers } from './workers.ts';

/** `local`: programs of this machine only. `docker`: containers, too. `auto`: containers, too, if an engine answers. */
export const machineDriverNames = ['auto', 'local', 'docker'] as const;
export type MachineDriverName = (typeof machineDriverNames)[number];

export interface MachineDriversOptions {
  /** Volumes, and workers that are programs of this machine. */
  readonly directory: string;
  /** Workers that are containers. */
  readonly containers: string;
  readonly driver: MachineDriverName;
  /** Directories of which programs of this machine see nothing. */
  readonly hidden?: readonly string[];
  /** The network of containers: `none`, or the name of one of the engine's; the engine's default when left out. */
  readonly containerNetwork?: string;
  readonly stopGraceSeconds?: number;
}

export interface MachineDrivers extends Drivers {
  /** The container engine in use. */
  readonly engine: Engine | undefined;
  /** Stops watching; workers go on. */
  close(): Promise<void>;
}

/**
 * The drivers for one machine: Plans with the image `host:TAG` run as its programs, all others in containers, with one capacity
 * for both.
 * @throws {Unavailable} when the machine does not allow it, or there is no engine though one is needed
 */
export async function openMachineDrivers(options: MachineDriversOptions): Promise<MachineDrivers> {
  const { driver } = options;
  const { engine, complaints } = driver === 'local' ? { complaints: [] } : await findEngine();
  const lacking = noEngine(driver, complaints);
  if (engine === undefined) checkDispensable(options, lacking);
  const capacity = machineCapacity();
  const programs = await openPrograms(options, engine !== undefined);
  const containers =
    engine === undefined ? lacking : await openContainers(options, { engine, capacity, programs });
  const hasContainers = 'workers' in containers;
  return {
    volumes: programs.volumes,
    transfers: programs.transfers,
    workers: new MachineWorkers({
      capacity,
      programs: programs.workers,
      containers: hasContainers ? containers.workers : containers,
    }),
    engine: hasContainers ? engine : undefined,
    close: async () => {
      if (hasContainers) await containers.close();
      await programs.close();
    },
  };
}

/** @returns why not, where they can be done without */
async function openContainers(
  options: MachineDriversOptions,
  { engine, capacity, programs }: { engine: Engine; capacity: Capacity; programs: Programs },
): Promise<Awaited<ReturnType<typeof openContainerWorkers>> | Unavailable> {
  const { containerNetwork: network, stopGraceSeconds } = options;
  try {
    return await openContainerWorkers({
      directory: options.containers,
      engine,
      volumes: programs.volumes,
      trash: programs.trash,
      capacity,
      ...(network !== undefined && { network }),
      ...(stopGraceSeconds !== undefined && { stopGraceSeconds }),
    });
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    checkDispensable(options, error);
    return error;
  }
}

interface Programs extends Pick<Drivers, 'transfers'> {
  readonly volumes: LocalVolumes;
  readonly trash: Trash;
  /** Why there are none, in place of them. */
  readonly workers: WorkerDriver | Unavailable;
  close(): Promise<void>;
}

/** Where this machine or its user can't have namespaces, containers may do without its programs. */
async function openPrograms(
  { directory, hidden, stopGraceSeconds }: MachineDriversOptions,
  hasEngine: boolean,
): Promise<Programs> {
  try {
    return await createLocalDrivers({
      directory,
      ...(hidden && { hidden }),
      ...(stopGraceSeconds !== undefined && { stopGraceSeconds }),
    });
  } catch (error) {
    if (!hasEngine || !(error instanceof Unavailable)) throw error;
    const places = await openPlaces(directory);
    const trash = new Trash(places.trash);
    const volumes = new LocalVolumes(places, trash);
    await trash.deleteLeftovers();
    const transfers = new LocalTransfers(volumes);
    return { volumes, trash, transfers, workers: error, close: () => trash.close() };
  }
}

/** @throws {Unavailable} when containers were asked for, or some are under way: without their engine they would be taken for lost */
function checkDispensable({ driver, containers }: MachineDriversOptions, lacking: Unavailable): void {
  if (driver === 'docker') throw lacking;
  if (driver === 'local' || !existsSync(containers) || readdirSync(containers).length === 0) return;
  throw new Unavailable({
    reason: `Runs are under way in containers, and ${lacking.reason}`,
    advice: 'Start it. To give those Runs up, use --driver local.',
  });
}

/** What users are told who need containers. */
function noEngine(driver: MachineDriverName, complaints: readonly string[]): Unavailable {
  if (driver === 'local') {
    return new Unavailable({
      reason: 'this server runs programs of the machine only (--driver local)',
      advice: 'Start knit up without --driver local, with Docker or Podman running.',
    });
  }
  const found = complaints.length === 0 ? 'no container engine was found' : complaints.join('; ');
  return new Unavailable({
    reason: found,
    advice:
      'Start Docker, or Podman (systemctl --user enable --now podman.socket; as root without --user), then start knit up again. DOCKER_HOST names a socket elsewhere.',
  });
}
