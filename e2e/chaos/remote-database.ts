import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@knitfab/store';
import { DatabaseProxy } from '../../packages/store/test/database-proxy.ts';
import type { Fault } from './faults.ts';

/** A database that the server reaches over a network, as it were: connections are cut at any moment, or go silent. */
export class RemoteDatabase {
  readonly #directory: string;
  readonly #postgres: EmbeddedPostgres;
  readonly #proxy: DatabaseProxy;

  private constructor(directory: string, postgres: EmbeddedPostgres, proxy: DatabaseProxy) {
    this.#directory = directory;
    this.#postgres = postgres;
    this.#proxy = proxy;
  }

  static async start(): Promise<RemoteDatabase> {
    const directory = await mkdtemp(join(tmpdir(), 'knit-chaos-database-'));
    const postgres = await startEmbeddedPostgres({ directory });
    return new RemoteDatabase(directory, postgres, await DatabaseProxy.start(postgres.connectionString));
  }

  /** What `knit up` is told of it. */
  get environment(): NodeJS.ProcessEnv {
    return { DATABASE_URL: this.#proxy.url };
  }

  get faults(): Fault[] {
    return [
      {
        name: 'connections cut at one statement or commit of fifty, for seconds',
        inject: () => this.#proxy.make({ cut: 0.02, silent: 0 }, 2000 + Math.random() * 6000),
      },
      {
        name: 'all connections to the database cut at once',
        inject: async () => this.#proxy.cut(),
      },
      {
        name: "the server's ends of all connections cut, without a word to the database",
        inject: async () => this.#proxy.abandon(),
      },
      {
        name: 'all connections silent for up to 10 s, and then cut',
        inject: async () => {
          this.#proxy.stall();
          await setTimeout(Math.random() * 10_000);
          this.#proxy.cut();
        },
      },
    ];
  }

  /** What was broken off, by where. */
  get counts(): string {
    const { statements, commits } = this.#proxy.counts;
    return `${statements} statements and ${commits} commits were cut off`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
    await this.#postgres.stop('immediate');
    await rm(this.#directory, { recursive: true });
  }
}
