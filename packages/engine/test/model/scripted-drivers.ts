import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { Capacity, Drivers, WorkerState } from '../../src/index.ts';

/** The calls that can be made to fail, or to be slow. */
export const scriptedCalls = [
  'create',
  'destroy',
  'sync',
  'start',
  'inspect',
  'remove',
  'list',
  'write',
] as const;
export type ScriptedCall = (typeof scriptedCalls)[number];

export class InjectedFailure extends Error {
  readonly call: ScriptedCall;

  constructor(call: ScriptedCall) {
    super(`an injected failure of ${call}`);
    this.call = call;
  }
}

/**
 * Drivers whose volumes and workers are entries of maps. They stand in for real ones so that a property test can decide how
 * each worker ends, make any call fail or slow, and do so thousands of times; what real drivers do is tested with them.
 */
export class ScriptedDrivers implements Drivers {
  readonly #volumes = new Set<string>();
  readonly #workers = new Map<string, WorkerState>();
  #watchers: readonly ((name: string) => void)[] = [];
  readonly #failures = new Map<ScriptedCall, number>();
  readonly #slow = new Map<ScriptedCall, number>();
  /** How many workers from now on stay pending for a while. */
  pendingStarts = 0;
  /** Images of which no worker can be started. */
  readonly brokenImages = new Set<string>();

  readonly volumes: Drivers['volumes'] = {
    create: async (ref) => {
      await this.#call('create');
      this.#volumes.add(ref);
    },
    destroy: async (ref) => {
      await this.#call('destroy');
      this.#volumes.delete(ref);
    },
    list: async () => [...this.#volumes],
    isReady: async (ref) => this.#volumes.has(ref),
    sync: async () => this.#call('sync'),
    spares: {
      count: 2,
      kind: 'scripted',
      make: (ref) => this.volumes.create(ref),
      adopt: async (ref) => {
        await this.#call('create');
        return this.#volumes.has(ref);
      },
    },
  };

  readonly workers: Drivers['workers'];

  readonly transfers: Drivers['transfers'] = {
    read: async () => Readable.from([]),
    write: async (_ref, tar) => {
      for await (const _ of tar);
      await this.#call('write');
    },
  };

  constructor(capacity?: Capacity) {
    this.workers = {
      ...(capacity && { capacity }),
      check() {},
      start: async ({ name, image }) => {
        await this.#call('start');
        if (this.brokenImages.has(image)) throw new InjectedFailure('start');
        if (!this.#workers.has(name))
          this.#change(name, { phase: this.#isPending() ? 'pending' : 'running' });
      },
      inspect: async (name) => {
        await this.#call('inspect');
        return this.#workers.get(name) ?? { phase: 'missing' };
      },
      remove: async (name) => {
        await this.#call('remove');
        this.#workers.delete(name);
      },
      watch: async () => {},
      list: async () => {
        await this.#call('list');
        return [...this.#workers.keys()];
      },
      logs: async () => Readable.from([]),
    };
  }

  /** The next so many of these calls fail. */
  fail(call: ScriptedCall, times: number): void {
    this.#failures.set(call, times);
  }

  /** The next so many of these calls take a while. */
  slow(call: ScriptedCall, times: number): void {
    this.#slow.set(call, times);
  }

  inPhase(...phases: WorkerState['phase'][]): string[] {
    return [...this.#workers].filter(([, { phase }]) => phases.includes(phase)).map(([name]) => name);
  }

  get existing(): string[] {
    return [...this.#workers.keys()];
  }

  /** Tells of changed workers whoever is alive now. */
  tellOnly(watchers: readonly ((name: string) => void)[]): void {
    this.#watchers = watchers;
  }

  run(name: string): void {
    this.#change(name, { phase: 'running' });
  }

  end(name: string, code: number): void {
    this.#change(name, { phase: 'ended', code, reason: code === 0 ? 'Completed' : 'Error' });
  }

  /** A worker that goes without a word. */
  lose(name: string): void {
    this.#workers.delete(name);
    this.#tell(name);
  }

  #change(name: string, state: WorkerState): void {
    this.#workers.set(name, state);
    this.#tell(name);
  }

  #tell(name: string): void {
    for (const watcher of this.#watchers) watcher(name);
  }

  #isPending(): boolean {
    if (this.pendingStarts === 0) return false;
    this.pendingStarts--;
    return true;
  }

  async #call(call: ScriptedCall): Promise<void> {
    if (counted(this.#slow, call)) await setTimeout(5);
    if (counted(this.#failures, call)) throw new InjectedFailure(call);
  }
}

function counted(left: Map<ScriptedCall, number>, call: ScriptedCall): boolean {
  const times = left.get(call) ?? 0;
  left.set(call, Math.max(0, times - 1));
  return times > 0;
}
