import { appendFileSync, mkdirSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { join } from 'node:path';
import { parseImage, parseQuantity, type Resources, Unavailable } from '@knitfab/core';
import type { Capacity, WorkerSpec } from '@knitfab/engine';
import { checkedCommand, checkImage, checkPaths, checkResources } from './check-plan.ts';
import type { CodeDigests } from './code-digests.ts';
import { joinFiles, type LimitControl, type LimitGroups, type Limits } from './limits/limit-groups.ts';
import type { Places } from './places.ts';
import type { Privileges } from './privileges.ts';
import type { ShellServer } from './shell-server.ts';
import type { SystemTools } from './system-tools.ts';
import type { Views } from './views.ts';
import type { LocalVolumes } from './volumes.ts';
import { fillWorkerDirectory } from './worker-directory.ts';
import { type VolumeMount, workerMounts } from './worker-mounts.ts';
import type { WorkerRecord } from './worker-record.ts';

export interface WorkerStartParts {
  readonly places: Places;
  readonly tools: SystemTools;
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
    const { places, tools, privileges, views, digests, launcher, capacity } = this.#parts;
    checkImage(parseImage(spec.image));
    checkResources(spec.resources, capacity);
    const command = checkedCommand(spec);
    const view = await views.current();
    const { machine } = view.root;
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
    mkdirSync(record.directory, { recursive: true });
    const groups = this.#limit(spec, record, found);
    fillWorkerDirectory(
      record.directory,
      {
        mounts: workerMounts(view, places, record.directory, mounts),
        scratch: view.scratch,
        command: {
          command,
          environment,
          groups: groups === undefined ? [] : joinFiles(groups),
          ...(spec.log && { log: this.#openLog(spec.log.volume) }),
        },
      },
      tools,
      privileges,
    );
    await launcher.ask(spec.name);
    if (record.claimedAt !== undefined) return;
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

  /**
   * Makes the worker's control groups and notes what is executed; the note comes first, so that groups left by a crash are known.
   * @returns the groups that the worker has to join
   */
  #limit(
    { name, resources, onNode, serviceAccount }: WorkerSpec,
    record: WorkerRecord,
    digests: Readonly<Record<string, string>>,
  ): LimitGroups | undefined {
    const { limits } = this.#parts;
    const amounts = limitsOf(resources);
    const groups = limits.groupsFor(name, amounts);
    const write = (lacking: string | undefined) => {
      const notes = [
        lacking,
        Object.keys(onNode).length > 0 ? 'on_node was not considered: there is one machine only' : undefined,
        serviceAccount === undefined ? undefined : 'the service account has no meaning on one machine',
      ].filter((each) => each !== undefined);
      const execution = { driver: 'local', node: hostname(), digests, ...(notes.length > 0 && { notes }) };
      record.writeNote({ execution, ...(groups && { groups }) });
    };
    write(limits.lacking);
    if (groups === undefined) return undefined;
    try {
      limits.create(groups, amounts);
      return groups;
    } catch (error) {
      write(`cpu and memory not limited: ${(error as Error).message}`);
      return undefined;
    }
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
