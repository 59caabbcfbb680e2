import { Readable } from 'node:stream';
import type { Drivers, WorkerState } from '../../src/index.ts';

/**
 * Drivers whose volumes and workers are entries of maps. They stand in for real ones so that a property test can decide how
 * each worker ends, make any call fail, and do so thousands of times; what real drivers do is tested with them.
 */
export class ScriptedDrivers implements Drivers {
  readonly #volumes = new Set<string>();
  readonly #workers = new Map<string, WorkerState>();
  #watchers: readonly ((name: string) => void)[] = [];
  /** How many calls from now on fail. */
  failures = 0;

  readonly volumes: Drivers['volumes'] = {
    create: async (ref) => {
      this.#failNow();
      this.#volumes.add(ref);
    },
    destroy: async (ref) => {
      this.#failNow();
      this.#volumes.delete(ref);
    },
    list: async () => [...this.#volumes],
    isReady: async (ref) => this.#volumes.has(ref),
    sync: async () => this.#failNow(),
  };

  readonly workers: Drivers['workers'] = {
    check() {},
    start: async ({ name }) => {
      this.#failNow();
      if (!this.#workers.has(name)) this.#change(name, { phase: 'running' });
    },
    inspect: async (name) => this.#workers.get(name) ?? { phase: 'missing' },
    remove: async (name) => {
      this.#failNow();
      this.#workers.delete(name);
    },
    watch: async () => {},
    list: async () => [...this.#workers.keys()],
    logs: async () => Readable.from([]),
  };

  readonly transfers: Drivers['transfers'] = {
    read: async () => Readable.from([]),
    write: async (_ref, tar) => {
      for await (const _ of tar);
    },
  };

  get running(): string[] {
    return [...this.#workers].filter(([, state]) => state.phase === 'running').map(([name]) => name);
  }

  /** Tells of changed workers whoever is alive now. */
  tellOnly(watchers: readonly ((name: string) => void)[]): void {
    this.#watchers = watchers;
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

  #failNow(): void {
    if (this.failures === 0) return;
    this.failures--;
    throw new Error('an injected failure');
  }
}
