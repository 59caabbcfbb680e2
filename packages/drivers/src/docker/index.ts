import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { Capacity } from '@knitfab/engine';
import { bootId } from '../local/process-identity.ts';
import type { Trash } from '../local/trash.ts';
import type { LocalVolumes } from '../local/volumes.ts';
import { checkPodmanDirectory } from './check-plan.ts';
import { ContainerEvents } from './container-events.ts';
import { DockerLog } from './container-log/docker-log.ts';
import { PodmanLog } from './container-log/podman-log.ts';
import { Containers } from './containers.ts';
import type { Engine } from './engine.ts';
import { GraphicsCards, machineGraphicsCards } from './graphics-cards.ts';
import { Images } from './images.ts';
import { Ownership } from './ownership.ts';
import { WorkerLaunch } from './worker-launch.ts';
import { WorkerOutputs } from './worker-outputs.ts';
import { WorkerRecord } from './worker-record.ts';
import { ContainerWorkers } from './workers.ts';

export { type Engine, findEngine, openEngine } from './engine.ts';
export type { EngineAddress } from './engine-address.ts';
export { engineAddresses, parseEngineAddress } from './engine-address.ts';
export { ContainerWorkers } from './workers.ts';

export interface ContainerWorkersOptions {
  /** Where records of workers are kept, in the file system of the trash. Only one process at a time may use it. */
  readonly directory: string;
  readonly engine: Engine;
  readonly volumes: LocalVolumes;
  readonly trash: Trash;
  readonly capacity: Capacity;
  /** The network of containers: `none`, or the name of one of the engine's; the engine's default when left out. */
  readonly network?: string;
  /** How long a container that is removed has between SIGTERM and SIGKILL; 10 seconds when left out. */
  readonly stopGraceSeconds?: number;
  /** How long an image that can't be had now is tried again; 10 minutes when left out. */
  readonly pullDeadlineSeconds?: number;
}

/**
 * Runs workers as containers of Docker or Podman on this machine, with volumes that are directories (architecture, "Drivers").
 * @throws {Unavailable} when the engine does not answer
 */
export async function openContainerWorkers(options: ContainerWorkersOptions): Promise<{
  workers: ContainerWorkers;
  /** Stops watching; containers go on. */
  close(): Promise<void>;
}> {
  const { engine, volumes, trash, network, stopGraceSeconds = 10, pullDeadlineSeconds = 600 } = options;
  const { client } = engine;
  mkdirSync(options.directory, { recursive: true });
  const directory = realpathSync(options.directory);
  if (engine.isPodman) checkPodmanDirectory(directory);
  const server = serverName(directory);
  const containers = new Containers(client);
  const graphicsCards = machineGraphicsCards();
  const cards = new GraphicsCards(graphicsCards);
  const directoryOf = (volume: string) => volumes.directoryOf(volume);
  const events = new ContainerEvents(client, server, () => {
    void workers.resume().catch(() => {});
    for (const name of workers.names()) events.tell(name);
  });
  const launch = new WorkerLaunch({
    engine,
    images: new Images(client),
    containers,
    events,
    cards,
    server,
    network,
    directoryOf,
    pullDeadlineMilliseconds: 1000 * pullDeadlineSeconds,
  });
  const workers: ContainerWorkers = new ContainerWorkers({
    directory,
    server,
    allotment: { ...options.capacity, graphicsCards: graphicsCards.length },
    isPodman: engine.isPodman,
    boot: { id: bootId(), at: new Date(Date.now() - 1000 * uptime()) },
    volumes,
    trash,
    containers,
    events,
    cards,
    launch,
    outputs: new WorkerOutputs(directoryOf, new Ownership(engine, containers, server)),
    openLog: (name, record, file) =>
      engine.isPodman ? new PodmanLog(record.podmanLog, file) : new DockerLog(client, name, file),
    stopGraceSeconds,
  });
  for (const name of workers.names()) {
    const { note } = new WorkerRecord(join(directory, name));
    if (note !== undefined) cards.restore(note);
  }
  events.open();
  return {
    workers,
    close: async () => {
      await Promise.all([events.close(), workers.close()]);
    },
  };
}

/** The value of the label of this server's containers: there may be other servers on the machine. */
const serverName = (directory: string): string =>
  createHash('sha256').update(directory).digest('hex').slice(0, 12);
