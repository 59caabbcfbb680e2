import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { Capacity, VolumeRef, WorkerDriver, WorkerSpec, WorkerState } from '@knitfab/engine';
import { checkedCommand, checkImage, checkPaths, checkResources } from './check-plan.ts';
import { InTurn } from './in-turn.ts';
import { type LimitControl, removeGroups } from './limits/limit-groups.ts';
import { logStream } from './log-stream.ts';
import { checkName, type Places } from './places.ts';
import type { Trash } from './trash.ts';
import type { Views } from './views.ts';
import type { LocalVolumes } from './volumes.ts';
import type { WorkerEnd } from './worker-end.ts';
import type { WorkerEvents } from './worker-events.ts';
import { type Claim, WorkerRecord } from './worker-record.ts';
import type { WorkerStart } from './worker-start.ts';
import { workerState } from './worker-state.ts';

export interface LocalWorkersParts {
  readonly places: Places;
  readonly capacity: Capacity;
  readonly boot: string;
  readonly volumes: LocalVolumes;
  readonly trash: Trash;
  readonly views: Views;
  readonly events: WorkerEvents;
  readonly limits: LimitControl;
  readonly start: WorkerStart;
  readonly end: WorkerEnd;
}

/** Workers as processes of this machine, in namespaces of their own. They go on when this process ends. */
export class LocalWorkers implements WorkerDriver {
  readonly capacity: Capacity;
  readonly #parts: LocalWorkersParts;
  readonly #inTurn = new InTurn();

  constructor(parts: LocalWorkersParts) {
    this.capacity = parts.capacity;
    this.#parts = parts;
  }

  check({ image, entrypoint, args, inputs, outputs, resources }: Parameters<WorkerDriver['check']>[0]): void {
    checkImage(image);
    checkedCommand({ ...(entrypoint && { entrypoint }), ...(args && { args }) });
    checkResources(resources, this.capacity);
    checkPaths(
      this.#parts.views.machine,
      [...inputs, ...outputs].map(({ path }) => path),
    );
  }

  async start(spec: WorkerSpec): Promise<void> {
    const record = this.#record(spec.name);
    await this.#inTurn.do(spec.name, async () => {
      if (!record.isClaimed) await this.#parts.start.of(spec, record);
    });
  }

  async inspect(name: string): Promise<WorkerState> {
    return workerState(this.#record(name), this.#parts.boot);
  }

  async remove(name: string): Promise<void> {
    const record = this.#record(name);
    await this.#inTurn.do(name, () => this.#remove(name, record));
  }

  async watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void> {
    const { events } = this.#parts;
    const unlisten = events.listen(onChange);
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      // What has changed while nobody watched.
      for (const name of await this.list()) onChange(name);
      await Promise.race([aborted, events.failed]);
    } finally {
      unlisten();
    }
  }

  async list(): Promise<string[]> {
    return await readdir(this.#parts.places.workers);
  }

  async logs(
    { name, log }: { name: string; log: { volume: VolumeRef } },
    options: { follow: boolean; signal?: AbortSignal },
  ): Promise<Readable> {
    return await logStream(
      {
        file: join(this.#parts.volumes.directoryOf(log.volume), 'log'),
        isComplete: async () => !['pending', 'running'].includes((await this.inspect(name)).phase),
        onChange: (listener) =>
          this.#parts.events.listen((changed) => {
            if (changed === name) listener();
          }),
      },
      options,
    );
  }

  #record(name: string): WorkerRecord {
    checkName(name);
    return new WorkerRecord(join(this.#parts.places.workers, name));
  }

  async #remove(name: string, record: WorkerRecord): Promise<void> {
    const { boot, end, limits, trash } = this.#parts;
    record.claimForRemoval();
    const claim = await settledClaim(record);
    if (claim?.by === 'supervisor' && claim.boot === boot) await end.of(name, record, claim);
    const groups = record.note?.groups;
    if (groups !== undefined) {
      await removeGroups(groups);
      limits.tidy(groups);
    }
    await trash.discard(record.directory);
  }
}

/** How long a supervisor may take between making its claim and writing it: an instant, unless it was killed in it. */
const claimMilliseconds = 500;

/** @returns undefined when the claim is that of nobody who is still there, or there is no worker */
async function settledClaim(record: WorkerRecord): Promise<Claim | undefined> {
  const deadline = Date.now() + claimMilliseconds;
  for (;;) {
    const { life } = record;
    if (life === undefined || life.claim !== undefined || Date.now() > deadline) return life?.claim;
    await setTimeout(5);
  }
}
