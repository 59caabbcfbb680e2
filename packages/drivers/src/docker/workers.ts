import { appendFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Resources, Unavailable } from '@knitfab/core';
import type { VolumeRef, WorkerDriver, WorkerSpec, WorkerState } from '@knitfab/engine';
import { InTurn } from '../local/in-turn.ts';
import { logStream } from '../local/log-stream.ts';
import { checkName } from '../local/places.ts';
import type { Trash } from '../local/trash.ts';
import type { LocalVolumes } from '../local/volumes.ts';
import { type Allotment, checkContainerPaths, checkContainerResources } from './check-plan.ts';
import type { ContainerEvents } from './container-events.ts';
import type { ContainerLog } from './container-log/container-log.ts';
import { labels } from './container-spec.ts';
import { type Boot, containerState, executionOf } from './container-state.ts';
import type { Containers } from './containers.ts';
import { EngineRefusal } from './engine-client.ts';
import type { ContainerSummary } from './engine-shapes.ts';
import type { GraphicsCards } from './graphics-cards.ts';
import type { WorkerLaunch } from './worker-launch.ts';
import type { WorkerOutputs } from './worker-outputs.ts';
import { WorkerRecord } from './worker-record.ts';

export interface ContainerWorkersParts {
  /** One directory for each worker, named as the worker. */
  readonly directory: string;
  /** Which server's the containers are. */
  readonly server: string;
  readonly allotment: Allotment;
  readonly isPodman: boolean;
  readonly boot: Boot;
  readonly volumes: LocalVolumes;
  readonly trash: Trash;
  readonly containers: Containers;
  readonly events: ContainerEvents;
  readonly cards: GraphicsCards;
  readonly launch: WorkerLaunch;
  readonly outputs: WorkerOutputs;
  readonly openLog: (name: string, record: WorkerRecord, file: string) => ContainerLog;
  readonly stopGraceSeconds: number;
}

/** What of a Plan or worker says whether it can run in a container. */
interface Runnable {
  readonly inputs: readonly { readonly path: string }[];
  readonly outputs: readonly { readonly path: string }[];
  readonly resources: Resources;
}

/** Workers as containers of an engine on this machine. They go on when this process ends. */
export class ContainerWorkers implements WorkerDriver {
  readonly capacity: Allotment;
  readonly #parts: ContainerWorkersParts;
  readonly #inTurn = new InTurn();
  readonly #logs = new Map<string, ContainerLog>();
  /** Ids of containers whose record is gone, by their workers' names, as they were last seen. */
  #unrecorded: ReadonlyMap<string, string> = new Map();

  constructor(parts: ContainerWorkersParts) {
    this.capacity = parts.allotment;
    this.#parts = parts;
  }

  /** Also asked again at each start: the engine may be another by then. */
  check({ inputs, outputs, resources }: Runnable): void {
    checkContainerResources(resources, this.#parts.allotment);
    const paths = [...inputs, ...outputs].map(({ path }) => path);
    checkContainerPaths(paths, this.#parts.isPodman);
  }

  has(name: string): boolean {
    return existsSync(this.#record(name).directory) || this.#unrecorded.has(name);
  }

  async start(spec: WorkerSpec): Promise<void> {
    const { volumes, boot, launch } = this.#parts;
    const record = this.#record(spec.name);
    await this.#inTurn.do(spec.name, async () => {
      if (record.note !== undefined) return;
      this.check(spec);
      const refs = [...spec.inputs, ...spec.outputs, ...(spec.log ? [spec.log] : [])].map(
        ({ volume }) => volume,
      );
      for (const ref of refs)
        if (!(await volumes.isReady(ref))) throw new Unavailable(`there is no volume ${ref}`);
      if (spec.log !== undefined) appendFileSync(this.#logFile(spec.log.volume), '');
      record.begin({ spec, boot: boot.id, isStarted: false, graphicsCards: [], notes: notesFor(spec) });
      launch.of(spec.name, record);
    });
  }

  async inspect(name: string): Promise<WorkerState> {
    const { launch, containers, boot } = this.#parts;
    const record = this.#record(name);
    const { note, ending } = record;
    if (note === undefined) return { phase: 'missing' };
    if (ending !== undefined) return { phase: 'ended', ...ending };
    if (launch.isUnderWay(name)) {
      const reason = launch.reasonOf(name);
      return { phase: 'pending', execution: executionOf(note), ...(reason !== undefined && { reason }) };
    }
    try {
      const state = containerState(note, await containers.inspect(name), boot);
      if (state.phase === 'ended') {
        const { phase: _, execution = executionOf(note), ...exit } = state;
        record.end({ ...exit, execution });
      }
      return state;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      // The container may well go on without its engine; it is looked at again when that answers.
      if (note.isStarted) return { phase: 'running' };
      return { phase: 'pending', reason: error.reason };
    }
  }

  async remove(name: string): Promise<void> {
    const record = this.#record(name);
    await this.#inTurn.do(name, () => this.#remove(name, record));
  }

  async watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void> {
    const { events } = this.#parts;
    const unlisten = events.listen(onChange);
    // What has changed while nobody watched.
    for (const name of this.names()) onChange(name);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    unlisten();
  }

  /** Those that have a record, and those of which only a container is left; the latter only while the engine answers. */
  async list(): Promise<string[]> {
    try {
      const left = (await this.#containersWithoutRecord()).map(
        ({ Id, Labels }) => [Labels?.[labels.worker] ?? '', Id] as const,
      );
      this.#unrecorded = new Map(left.filter(([name]) => name !== ''));
    } catch (error) {
      // They are removed when it answers again (see `resume`).
      if (!(error instanceof Unavailable || error instanceof EngineRefusal)) throw error;
    }
    return [...new Set([...this.names(), ...this.#unrecorded.keys()])];
  }

  /** Those that have a record. */
  names(): string[] {
    return readdirSync(this.#parts.directory);
  }

  async logs(
    { name, log }: { name: string; log: { volume: VolumeRef } },
    options: { follow: boolean; signal?: AbortSignal },
  ): Promise<Readable> {
    const file = this.#logFile(log.volume);
    const record = this.#record(name);
    if (record.note === undefined)
      return await logStream({ file, isComplete: async () => true, onChange: () => () => {} }, options);
    const isComplete = () => this.#catchUp(name);
    if (!options.follow) await isComplete();
    const onChange = (listener: () => void) => {
      const ends = [
        this.#log(name, record, file).onChange(listener),
        this.#parts.events.listen((changed) => {
          if (changed === name) listener();
        }),
      ];
      return () => {
        for (const end of ends) end();
      };
    };
    return await logStream({ file, isComplete, onChange }, options);
  }

  /** Takes up what a server before has left in the middle, and removes containers of workers that are gone. */
  async resume(): Promise<void> {
    const { containers, launch } = this.#parts;
    for (const name of this.names()) {
      const record = this.#record(name);
      // In turn: one that is being removed is gone by then.
      await this.#inTurn.do(name, async () => {
        if (record.ending === undefined && this.#mayLaunch(record)) launch.of(name, record);
      });
    }
    for (const { Id } of await this.#containersWithoutRecord()) await containers.remove(Id);
  }

  async close(): Promise<void> {
    await this.#parts.launch.close();
    for (const log of this.#logs.values()) log.close();
  }

  #record(name: string): WorkerRecord {
    checkName(name);
    return new WorkerRecord(join(this.#parts.directory, name));
  }

  /** What was started before the machine was started anew has run, even if the engine has forgotten. */
  #mayLaunch({ note }: WorkerRecord): boolean {
    return note !== undefined && (!note.isStarted || note.boot === this.#parts.boot.id);
  }

  async #containersWithoutRecord(): Promise<ContainerSummary[]> {
    const { containers, server } = this.#parts;
    const all = await containers.list(labels.server, server);
    // Looked at afterwards: a worker's record is made before its container, and removed after it.
    const recorded = new Set(this.names());
    return all.filter(({ Labels }) => !recorded.has(Labels?.[labels.worker] ?? ''));
  }

  #logFile(volume: VolumeRef): string {
    return join(this.#parts.volumes.directoryOf(volume), 'log');
  }

  #log(name: string, record: WorkerRecord, file: string): ContainerLog {
    const log = this.#logs.get(name) ?? this.#parts.openLog(name, record, file);
    this.#logs.set(name, log);
    return log;
  }

  /** Brings the log up to date. @returns whether it is complete with that */
  async #catchUp(name: string): Promise<boolean> {
    const record = this.#record(name);
    const { note } = record;
    if (note?.spec.log === undefined) return true;
    const { phase } = await this.inspect(name);
    if (phase === 'pending') return false;
    await this.#log(name, record, this.#logFile(note.spec.log.volume)).catchUp(phase !== 'running');
    return phase !== 'running';
  }

  async #remove(name: string, record: WorkerRecord): Promise<void> {
    const { launch, containers, outputs, cards, trash, stopGraceSeconds } = this.#parts;
    await launch.cancel(name);
    const { note } = record;
    // A crash may have left a directory in which nothing was noted yet, somebody else a container without any.
    if (note === undefined) {
      const left = this.#unrecorded.get(name);
      if (left !== undefined) await containers.remove(left);
      await trash.discard(record.directory);
      return;
    }
    const container = await containers.inspect(name);
    if (container?.State.Running) await containers.stop(name, stopGraceSeconds);
    if (note.spec.log !== undefined && note.isStarted) {
      await this.#log(name, record, this.#logFile(note.spec.log.volume)).catchUp(true);
    }
    await containers.remove(name);
    await outputs.settle(note.spec);
    this.#logs.get(name)?.close();
    this.#logs.delete(name);
    cards.release(name);
    await trash.discard(record.directory);
  }
}

/** What was asked for and has no meaning here. */
function notesFor({ onNode, serviceAccount }: WorkerSpec): string[] {
  return [
    Object.keys(onNode).length > 0 ? 'on_node was not considered: there is one machine only' : undefined,
    serviceAccount === undefined ? undefined : 'the service account has no meaning on one machine',
  ].filter((each) => each !== undefined);
}
