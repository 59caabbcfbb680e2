import { chmodSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Invalid, KnitError } from '@knitfab/core';
import { graphicsCardsOf } from './check-plan.ts';
import type { ContainerEvents } from './container-events.ts';
import { containerSpec } from './container-spec.ts';
import { executionOf } from './container-state.ts';
import type { Containers } from './containers.ts';
import type { Engine } from './engine.ts';
import { EngineRefusal } from './engine-client.ts';
import type { ImageInspection } from './engine-shapes.ts';
import type { GraphicsCards } from './graphics-cards.ts';
import { imageDigests } from './image-digests.ts';
import { fullName } from './image-name.ts';
import { type Images, PullFailure } from './images.ts';
import { startFailure } from './start-failure.ts';
import type { WorkerNote, WorkerRecord } from './worker-record.ts';
import { hasLeftTraces } from './worker-traces.ts';

export interface WorkerLaunchParts {
  readonly engine: Engine;
  readonly images: Images;
  readonly containers: Containers;
  readonly events: ContainerEvents;
  readonly cards: GraphicsCards;
  readonly server: string;
  readonly network: string | undefined;
  readonly directoryOf: (volume: string) => string;
  /** How long an image that can't be had now is tried again. */
  readonly pullDeadlineMilliseconds: number;
}

interface Launch {
  readonly abort: AbortController;
  readonly ended: Promise<void>;
  reason: string | undefined;
  toldAt: number;
}

const firstPauseMilliseconds = 1000;
const longestPauseMilliseconds = 60_000;
/** How often a launch tells of its progress at most. */
const tellMilliseconds = 1000;
/** What an engine makes of a start that was asked for by a server that was killed in that moment, it makes of it within this time. */
const settleMilliseconds = 1000;
/** Passing troubles of an engine with a container: so often it is asked again. */
const maxStartAttempts = 3;

/** Brings workers from their record to a container that runs: the image, the container, its start. One launch for each at a time. */
export class WorkerLaunch {
  readonly #parts: WorkerLaunchParts;
  readonly #launches = new Map<string, Launch>();

  constructor(parts: WorkerLaunchParts) {
    this.#parts = parts;
  }

  /** Begins, unless it is under way. */
  of(name: string, record: WorkerRecord): void {
    if (this.#launches.has(name)) return;
    const abort = new AbortController();
    const launch: Launch = {
      abort,
      ended: Promise.resolve().then(() => this.#launch(name, record, launch)),
      reason: undefined,
      toldAt: 0,
    };
    this.#launches.set(name, launch);
  }

  isUnderWay(name: string): boolean {
    return this.#launches.has(name);
  }

  /** What a worker that is being launched waits for. */
  reasonOf(name: string): string | undefined {
    return this.#launches.get(name)?.reason;
  }

  /** Breaks a launch off, and waits for what can't be broken off. */
  async cancel(name: string): Promise<void> {
    const launch = this.#launches.get(name);
    launch?.abort.abort();
    await launch?.ended;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#launches.keys()].map((name) => this.cancel(name)));
  }

  async #launch(name: string, record: WorkerRecord, launch: Launch): Promise<void> {
    const { signal } = launch.abort;
    try {
      for (let pause = firstPauseMilliseconds; ; pause = Math.min(2 * pause, longestPauseMilliseconds)) {
        try {
          await this.#attempt(record, launch);
          return;
        } catch (error) {
          // An engine that does not answer, a full disk: whatever passes.
          if (signal.aborted) return;
          this.#say(name, launch, error instanceof KnitError ? error.reason : (error as Error).message);
        }
        await setTimeout(pause, undefined, { signal, ref: false }).catch(() => {});
        if (signal.aborted) return;
      }
    } finally {
      this.#launches.delete(name);
      this.#parts.events.tell(name);
    }
  }

  async #attempt(record: WorkerRecord, launch: Launch): Promise<void> {
    try {
      await this.#run(record, launch);
    } catch (error) {
      if (launch.abort.signal.aborted || !isVerdict(error)) throw error;
      this.#giveUp(record, error);
    }
  }

  async #run(record: WorkerRecord, launch: Launch): Promise<void> {
    const { cards } = this.#parts;
    const { note } = record;
    if (note === undefined || record.ending !== undefined) return;
    const { name, resources } = note.spec;
    if (note.isStarted && !(await this.#wasNotStarted(name))) return;
    if (note.isStarted && (await this.#isLost(record))) return;
    if (note.graphicsCards.length === 0) {
      const count = graphicsCardsOf(resources);
      if (count > 0) this.#say(name, launch, 'waits for graphics cards that other Runs are using');
      record.change({ graphicsCards: await cards.take(name, count, launch.abort.signal) });
    }
    for (let attempt = 1; ; attempt++) {
      const image = await this.#image(note.spec.image, name, launch);
      launch.abort.signal.throwIfAborted();
      try {
        return await this.#start(record, image);
      } catch (error) {
        if (!(error instanceof EngineRefusal)) throw error;
        // Some engines complain of a container that ended too soon for them.
        if (await this.#hasRun(name)) return;
        const failure = startFailure(error.message);
        if (failure.kind === 'limits') this.#withoutLimits(record, error.message);
        else if (failure.kind === 'final' || attempt === maxStartAttempts) throw error;
        this.#say(name, launch, `could not be started: ${error.message}`);
        await this.#parts.containers.remove(name);
        if (await this.#isLost(record)) return;
        record.change({ isStarted: false });
        await setTimeout(attempt * firstPauseMilliseconds, undefined, {
          signal: launch.abort.signal,
          ref: false,
        });
      }
    }
  }

  /** Whether a container whose start was asked for by a server that is gone has not been started after all. */
  async #wasNotStarted(name: string): Promise<boolean> {
    if (!(await this.#isNew(name))) return false;
    await setTimeout(settleMilliseconds);
    return await this.#isNew(name);
  }

  /** Whether the worker has run after all, though its engine knows nothing of that: it is missing then, and never runs again. */
  async #isLost(record: WorkerRecord): Promise<boolean> {
    const { containers, directoryOf } = this.#parts;
    const { note } = record;
    if (note === undefined || !hasLeftTraces(record, directoryOf)) return false;
    await containers.remove(note.spec.name);
    return true;
  }

  async #hasRun(name: string): Promise<boolean> {
    const container = await this.#parts.containers.inspect(name);
    return container !== undefined && !neverStarted.includes(container.State.Status);
  }

  async #isNew(name: string): Promise<boolean> {
    const container = await this.#parts.containers.inspect(name);
    return container !== undefined && neverStarted.includes(container.State.Status);
  }

  /** The image of that name that the engine has now, or else can pull. */
  async #image(given: string, worker: string, launch: Launch): Promise<ImageInspection> {
    const { images, pullDeadlineMilliseconds } = this.#parts;
    const { signal } = launch.abort;
    const image = fullName(given);
    const begun = performance.now();
    for (let pause = firstPauseMilliseconds; ; pause = Math.min(2 * pause, longestPauseMilliseconds)) {
      const found = await images.find(image);
      if (found !== undefined) return found;
      try {
        const pull = images.pull(image, (words) => this.#say(worker, launch, words));
        await Promise.race([pull, aborted(signal)]);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof PullFailure)) throw error;
        if (error.isFinal || performance.now() - begun + pause > pullDeadlineMilliseconds) throw error;
        const seconds = Math.round(pause / 1000);
        this.#say(
          worker,
          launch,
          `can't pull the image ${image}, and tries again in ${seconds} s: ${error.message}`,
        );
        await setTimeout(pause, undefined, { signal, ref: false });
      }
    }
  }

  async #start(record: WorkerRecord, image: ImageInspection): Promise<void> {
    const { engine, containers, server, network, directoryOf, events } = this.#parts;
    const { note } = record;
    if (note === undefined) return;
    const { spec } = note;
    record.change({ digests: imageDigests(spec.image, image) });
    if (!engine.canLimit && !isUnlimited(note)) {
      const why = 'without root, the engine needs control groups of version 2';
      return await this.#start(this.#withoutLimits(record, why), image);
    }
    // Whoever the image runs as writes to it; nobody else of this machine gets there (see the local driver's places).
    for (const { volume } of spec.outputs) chmodSync(directoryOf(volume), 0o777);
    const warnings = await containers.create(
      spec.name,
      containerSpec({
        spec,
        imageId: image.Id,
        server,
        directoryOf,
        network,
        graphicsCards: note.graphicsCards,
        isLimited: !isUnlimited(note),
        hasSelinux: engine.hasSelinux,
        isPodman: engine.isPodman,
        podmanLog: record.podmanLog,
      }),
    );
    record.change({ isStarted: true, notes: [...new Set([...note.notes, ...warnings])] });
    await containers.start(spec.name);
    events.tell(spec.name);
  }

  #withoutLimits(record: WorkerRecord, why: string): WorkerRecord {
    const notes = record.note?.notes ?? [];
    record.change({ notes: [...notes, `${unlimited}: ${why}`] });
    return record;
  }

  /** The worker will never run. */
  #giveUp(record: WorkerRecord, error: Error): void {
    const { note } = record;
    if (note === undefined) return;
    const message = error instanceof KnitError ? error.reason : error.message;
    const execution = executionOf(note);
    if (error instanceof PullFailure) {
      const reason = `ImagePullError: the image ${fullName(note.spec.image)} can't be pulled: ${message}`;
      record.end({ code: 255, reason, cause: 'lost', execution });
      return;
    }
    const failure = startFailure(message);
    const notes = [...note.notes, `the worker could not be started: ${message}`];
    const cause = failure.isUsers || error instanceof Invalid ? 'error' : 'lost';
    record.end({ code: failure.code, reason: 'StartError', cause, execution: { ...execution, notes } });
  }

  #say(name: string, launch: Launch, reason: string): void {
    launch.reason = reason;
    const now = performance.now();
    if (now - launch.toldAt < tellMilliseconds && launch.toldAt !== 0) return;
    launch.toldAt = now;
    this.#parts.events.tell(name);
  }
}

/** What engines call the state of a container that was made and not started. */
const neverStarted = ['created', 'initialized', 'configured'];

/** Whether the engine, or a registry, has answered, and asking again would bring the same answer. */
const isVerdict = (error: unknown): error is Error =>
  error instanceof PullFailure || error instanceof EngineRefusal || error instanceof Invalid;

const unlimited = 'cpu and memory not limited';

const isUnlimited = ({ notes }: WorkerNote): boolean => notes.some((note) => note.startsWith(unlimited));

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
