import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { PlanId, RunId } from '@knitfab/core';
import type { WorkerSpec, WorkerState } from '@knitfab/engine';
import {
  type ContainerWorkersOptions,
  openContainerWorkers,
  openEngine,
  parseEngineAddress,
} from '../../src/docker/index.ts';
import { openPlaces } from '../../src/local/places.ts';
import { Trash } from '../../src/local/trash.ts';
import { LocalVolumes } from '../../src/local/volumes.ts';
import type { PodmanService } from './podman-service.ts';

export type Ended = Extract<WorkerState, { phase: 'ended' }>;
type Options = Partial<Omit<ContainerWorkersOptions, 'directory' | 'engine' | 'volumes' | 'trash'>>;
type Opened = Awaited<ReturnType<typeof openContainerWorkers>>;

/** The driver with a directory of its own, and short ways to do with it what the engine does. */
export class Contained {
  readonly directory: string;
  readonly volumes: LocalVolumes;
  readonly #podman: PodmanService;
  readonly #trash: Trash;
  readonly #options: Options;
  #opened: Opened;
  #watching = new AbortController();
  readonly changed: string[] = [];

  private constructor(
    podman: PodmanService,
    directory: string,
    volumes: LocalVolumes,
    trash: Trash,
    options: Options,
    opened: Opened,
  ) {
    this.#podman = podman;
    this.directory = directory;
    this.volumes = volumes;
    this.#trash = trash;
    this.#options = options;
    this.#opened = opened;
    this.#watch();
  }

  /** @param suffix of the directory's name */
  static async open(podman: PodmanService, options: Options = {}, suffix = ''): Promise<Contained> {
    const directory = mkdtempSync(join(tmpdir(), `knit-contained${suffix}-`));
    chmodSync(directory, 0o711);
    const places = await openPlaces(join(directory, 'local'));
    const trash = new Trash(places.trash);
    const volumes = new LocalVolumes(places, trash);
    const opened = await Contained.#openWorkers(podman, directory, volumes, trash, options).catch((error) => {
      rmSync(directory, { recursive: true });
      throw error;
    });
    return new Contained(podman, directory, volumes, trash, options, opened);
  }

  static async #openWorkers(
    podman: PodmanService,
    directory: string,
    volumes: LocalVolumes,
    trash: Trash,
    options: Options,
  ): Promise<Opened> {
    return await openContainerWorkers({
      capacity: { cpu: 64, memory: 2 ** 40 },
      stopGraceSeconds: 0,
      // The engine's own network would leave an interface behind on this machine.
      network: 'none',
      ...options,
      directory: join(directory, 'containers'),
      engine: await openEngine(parseEngineAddress(podman.address)),
      volumes,
      trash,
    });
  }

  get workers(): Opened['workers'] {
    return this.#opened.workers;
  }

  /** Stops the driver in the middle of all, and starts another in the same directory. */
  async restart(): Promise<void> {
    this.#watching.abort();
    await this.#opened.close();
    this.#opened = await Contained.#openWorkers(
      this.#podman,
      this.directory,
      this.volumes,
      this.#trash,
      this.#options,
    );
    this.#watch();
  }

  async close(): Promise<void> {
    // After a test that failed, the engine may be gone; whoever has started it removes its containers.
    for (const name of await this.workers.list()) await this.workers.remove(name).catch(() => {});
    this.#watching.abort();
    await this.#opened.close();
    await this.#trash.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  volume(ref: string): string {
    return this.volumes.directoryOf(ref);
  }

  /** A worker with an output at /out and a log, and volumes for them and for its inputs. */
  async prepare(command: readonly string[], parts: Partial<WorkerSpec> = {}): Promise<WorkerSpec> {
    const runId = randomUUID() as RunId;
    const spec: WorkerSpec = {
      name: `worker-run-${runId}`,
      runId,
      planId: randomUUID() as PlanId,
      image: 'knit-test:v1',
      ...(command.length > 0 && { args: command }),
      inputs: [],
      outputs: [{ path: '/out', volume: `out-${runId}` }],
      log: { volume: `log-${runId}` },
      resources: { cpu: '1', memory: '1Gi' },
      onNode: {},
      env: {},
      ...parts,
    };
    const refs = [...spec.inputs, ...spec.outputs, ...(spec.log ? [spec.log] : [])].map(
      ({ volume }) => volume,
    );
    await Promise.all(refs.map((ref) => this.volumes.create(ref)));
    return spec;
  }

  async start(command: readonly string[], parts: Partial<WorkerSpec> = {}): Promise<WorkerSpec> {
    const spec = await this.prepare(command, parts);
    await this.workers.start(spec);
    return spec;
  }

  /** Waits until the worker is in one of the phases. */
  async until<Phase extends WorkerState['phase']>(
    { name }: WorkerSpec,
    ...phases: Phase[]
  ): Promise<Extract<WorkerState, { phase: Phase }>> {
    for (;;) {
      const state = await this.workers.inspect(name);
      if (phases.includes(state.phase as Phase)) return state as Extract<WorkerState, { phase: Phase }>;
      if (state.phase === 'missing') throw new Error(`${name} is missing`);
      await setTimeout(20);
    }
  }

  /** Runs a shell script to its end, and finishes the worker as the engine does. */
  async run(
    script: string,
    parts: Partial<WorkerSpec> = {},
  ): Promise<Ended & { log: string; spec: WorkerSpec }> {
    return await this.runCommand(['sh', '-c', script], parts);
  }

  async runCommand(
    command: readonly string[],
    parts: Partial<WorkerSpec> = {},
  ): Promise<Ended & { log: string; spec: WorkerSpec }> {
    const spec = await this.start(command, parts);
    const state = await this.until(spec, 'ended');
    await this.workers.remove(spec.name);
    return { ...state, log: this.log(spec), spec };
  }

  log({ log }: WorkerSpec): string {
    return log === undefined ? '' : readFileSync(join(this.volume(log.volume), 'log'), 'latin1');
  }

  output({ outputs }: WorkerSpec, file = ''): string {
    return join(this.volume(outputs[0]?.volume ?? ''), file);
  }

  #watch(): void {
    this.#watching = new AbortController();
    void this.workers.watch((name) => this.changed.push(name), this.#watching.signal);
  }
}
