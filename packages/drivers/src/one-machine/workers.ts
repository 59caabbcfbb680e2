import type { Readable } from 'node:stream';
import { formatImage, Invalid, parseImage, type Unavailable } from '@knitfab/core';
import type { Capacity, VolumeRef, WorkerDriver, WorkerSpec, WorkerState } from '@knitfab/engine';
import type { ContainerWorkers } from '../docker/index.ts';

export interface MachineWorkersParts {
  readonly capacity: Capacity;
  /** Programs of this machine, or why they can't run. */
  readonly programs: WorkerDriver | Unavailable;
  /** Containers, or why they can't run. */
  readonly containers: ContainerWorkers | Unavailable;
}

/** The repository of images that stand for the machine itself. */
const host = 'host';

/** Workers of two kinds side by side: which one a Run needs, its image tells. */
export class MachineWorkers implements WorkerDriver {
  readonly capacity: Capacity;
  readonly #parts: MachineWorkersParts;

  constructor(parts: MachineWorkersParts) {
    this.capacity = parts.capacity;
    this.#parts = parts;
  }

  check(plan: Parameters<WorkerDriver['check']>[0]): void {
    this.#driverFor(formatImage(plan.image)).check(plan);
  }

  async start(spec: WorkerSpec): Promise<void> {
    await this.#driverFor(spec.image).start(spec);
  }

  async inspect(name: string): Promise<WorkerState> {
    return (await this.#driverOf(name)?.inspect(name)) ?? { phase: 'missing' };
  }

  async remove(name: string): Promise<void> {
    await this.#driverOf(name)?.remove(name);
  }

  async watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#drivers().map((driver) => driver.watch(onChange, signal)));
  }

  async list(): Promise<string[]> {
    return (await Promise.all(this.#drivers().map((driver) => driver.list()))).flat();
  }

  async logs(
    spec: { name: string; log: { volume: VolumeRef } },
    options: { follow: boolean; signal?: AbortSignal },
  ): Promise<Readable> {
    const driver = this.#driverOf(spec.name) ?? this.#drivers()[0];
    if (driver === undefined) throw this.#parts.programs;
    return await driver.logs(spec, options);
  }

  #drivers(): WorkerDriver[] {
    return [this.#parts.programs, this.#parts.containers].filter((each) => 'start' in each);
  }

  /** @throws {Invalid} with the way to have what is missing */
  #driverFor(image: string): WorkerDriver {
    const { programs, containers } = this.#parts;
    const isHost = parseImage(image).repository === host;
    const driver = isHost ? programs : containers;
    if ('start' in driver) return driver;
    throw new Invalid({
      reason: isHost
        ? `the image ${image} stands for this machine's own programs, which can't run here: ${driver.reason}`
        : `the image ${image} needs a container engine, and ${driver.reason}`,
      ...(driver.advice !== undefined && { advice: driver.advice }),
      cause: driver,
    });
  }

  /** The one that has this worker; that of programs when none has. */
  #driverOf(name: string): WorkerDriver | undefined {
    const { programs, containers } = this.#parts;
    if ('start' in containers && containers.has(name)) return containers;
    return 'start' in programs ? programs : undefined;
  }
}
