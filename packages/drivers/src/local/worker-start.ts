import { appendFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { parseImage, parseQuantity, type Resources, Unavailable } from '@knitfab/core';
import type { Capacity, Execution, WorkerSpec } from '@knitfab/engine';
import { checkedCommand, checkImage, checkPaths, checkResources } from './check-plan.ts';
import type { CodeDigests } from './code-digests.ts';
import { joinFiles, type LimitControl, type Limits } from './limits/limit-groups.ts';
import type { Places } from './places.ts';
import type { Privileges } from './privileges.ts';
import type { ShellServer } from './shell-server.ts';
import type { Views } from './views.ts';
import type { LocalVolumes } from './volumes.ts';
import { fillWorkerDirectory } from './worker-directory.ts';
import { type VolumeMount, workerFstab } from './worker-fstab.ts';
import type { WorkerRecord } from './worker-record.ts';

export interface WorkerStartParts {
  readonly places: Places;
  readonly privileges: Privileges;
  readonly views: Views;
  readonly volumes: LocalVolumes;
  readonly limits: LimitControl;
  readonly digests: CodeDigests;
  readonly launcher: ShellServer;
  readonly capacity: Capacity;
  /** Of all workers. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Prepares and launches workers. */
export class WorkerStart {
  readonly #parts: WorkerStartParts;

  constructor(parts: WorkerStartParts) {
    this.#parts = parts;
  }

  /**
   * Launches a worker that nobody has claimed. What an earlier attempt has prepared is prepared again.
   * @throws {Invalid} when it can never start
   * @throws {Unavailable} when it may start later
   */
  async of(spec: WorkerSpec, record: WorkerRecord): Promise<void> {
    const { places, privileges, views, digests, limits, launcher, capacity } = this.#parts;
    checkImage(parseImage(spec.image));
    checkResources(spec.resources, capacity);
    const command = checkedCommand(spec);
    const view = await views.current();
    const { machine } = view;
    const points = checkPaths(
      machine,
      [...spec.inputs, ...spec.outputs].map(({ path }) => path),
    );
    await this.#checkVolumes(spec);
    const inputs = spec.inputs.map(({ volume }) => this.#parts.volumes.directoryOf(volume));
    const outputs = spec.outputs.map(({ volume }) => this.#parts.volumes.directoryOf(volume));
    const mounts: VolumeMount[] = [...inputs, ...outputs].map((directory, index) => ({
      ...(points[index] as (typeof points)[number]),
      directory,
      isWritable: index >= inputs.length,
    }));
    const environment = { ...this.#parts.environment, ...spec.env };
    const found = await digests.of({
      command,
      searchPath: environment.PATH ?? '',
      machine,
      inputs: mounts.slice(0, inputs.length),
    });
    const log = spec.log && this.#openLog(spec.log.volume);
    const amounts = limitsOf(spec.resources);
    const groups = limits.groupsFor(spec.name, amounts);
    // The file comes first, so that groups left by a crash are known.
    const fill = (lacking: string | undefined, joined: readonly string[]) =>
      fillWorkerDirectory(
        record.directory,
        workerFstab(view, places, mounts),
        {
          command,
          environment,
          umask: process.umask(),
          ...(log !== undefined && { log }),
          groups: joined,
          note: { execution: executionOf(spec, found, lacking), ...(groups && { groups }) },
        },
        privileges,
      );
    fill(limits.lacking, groups === undefined ? [] : joinFiles(groups));
    try {
      if (groups !== undefined) limits.create(groups, amounts);
    } catch (error) {
      fill(`cpu and memory not limited: ${(error as Error).message}`, []);
    }
    await launcher.ask(spec.name);
    if (record.isClaimed) return;
    throw new Unavailable({
      reason: `the worker ${spec.name} could not be launched`,
      advice: `See whether the disk of ${places.directory} is full.`,
    });
  }

  async #checkVolumes({ inputs, outputs, log }: WorkerSpec): Promise<void> {
    const refs = [...inputs, ...outputs, ...(log ? [log] : [])].map(({ volume }) => volume);
    const areReady = await Promise.all(refs.map((ref) => this.#parts.volumes.isReady(ref)));
    const missing = refs.filter((_, index) => !areReady[index]);
    if (missing.length > 0) throw new Unavailable(`there is no volume ${missing.join(', ')}`);
  }

  #openLog(volume: string): string {
    const file = join(this.#parts.volumes.directoryOf(volume), 'log');
    appendFileSync(file, '');
    return file;
  }
}

/** To limit a worker to all the cores that there are would only cost time. */
function limitsOf({ cpu = '0', memory = '0' }: Resources): Limits {
  const cores = parseQuantity(cpu);
  return { cpu: cores < availableParallelism() ? cores : 0, memory: parseQuantity(memory) };
}

/** What is known before the start. */
function executionOf(
  { onNode, serviceAccount }: WorkerSpec,
  digests: Readonly<Record<string, string>>,
  lacking: string | undefined,
): Execution {
  const notes = [
    lacking,
    Object.keys(onNode).length > 0 ? 'on_node was not considered: there is one machine only' : undefined,
    serviceAccount === undefined ? undefined : 'the service account has no meaning on one machine',
  ].filter((each) => each !== undefined);
  return { driver: 'local', node: hostname(), digests, ...(notes.length > 0 && { notes }) };
}
