import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Client, createClient } from '@knitfab/api';
import { startEmbeddedPostgres } from '@knitfab/store';
import { KnitUser, knit } from './knit-user.ts';

export interface KnitServerOptions {
  /** A program, with its arguments, that starts the command as somebody else. */
  readonly prefix?: readonly string[];
  /** Options of `knit up`. */
  readonly options?: readonly string[];
  /** Variables of the server's process, beside those that all have. */
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * A server as a user starts it: `knit up`, as a process of its own, with a data directory and a home that go with it.
 *
 * ```ts
 * await using server = await KnitServer.start();
 * ```
 */
export class KnitServer extends KnitUser {
  /** The home of the server's user; the data directory is in it. */
  readonly home: string;
  readonly #prefix: readonly string[];
  readonly #options: readonly string[];
  readonly #extraEnvironment: NodeJS.ProcessEnv;
  #process: ChildProcess | undefined;
  #client: Client | undefined;
  #port = 0;

  constructor(home: string, { prefix = [], options = [], environment = {} }: KnitServerOptions = {}) {
    super();
    this.home = home;
    this.#prefix = prefix;
    this.#options = options;
    this.#extraEnvironment = environment;
  }

  static async start(options: KnitServerOptions = {}): Promise<KnitServer> {
    const server = new KnitServer(await mkdtemp(join(tmpdir(), 'knit-test-')), options);
    await server.up();
    return server;
  }

  get dataDirectory(): string {
    return join(this.home, 'data');
  }

  override get client(): Client {
    if (this.#client === undefined) throw new Error('the server is not up');
    return this.#client;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** The environment in which commands find this server. */
  override get environment(): NodeJS.ProcessEnv {
    const { DATABASE_URL: _, ...rest } = process.env;
    return { ...rest, HOME: this.home, NO_COLOR: '1' };
  }

  /** Starts the server, and returns at once. */
  spawn(): ChildProcess {
    const up = ['up', '--data-dir', this.dataDirectory, '--port', String(this.#port), ...this.#options];
    const [program = '', ...args] = [...this.#prefix, ...knit, ...up];
    this.#process = spawn(program, args, {
      env: { ...this.environment, ...this.#extraEnvironment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return this.#process;
  }

  /** Starts the server, and waits until it answers. */
  async up(): Promise<void> {
    const child = this.spawn();
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      const apiRoot = /"apiRoot":\s*"([^"]+)"/.exec(line)?.[1];
      if (apiRoot === undefined) continue;
      this.#client = createClient({ apiRoot });
      this.#port = Number(new URL(apiRoot).port);
      return;
    }
    throw new Error('knit up ended before it was up');
  }

  /** Ends the server, in the way that the signal has. */
  async end(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' = 'SIGINT'): Promise<number | null> {
    const child = this.#process;
    if (child === undefined) return null;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    return child.exitCode;
  }

  /** The address of the server's own database, for a look behind its back. */
  async databaseUrl(): Promise<string> {
    const { connectionString } = await startEmbeddedPostgres({
      directory: join(this.dataDirectory, 'postgresql'),
    });
    return connectionString;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await rm(this.home, { recursive: true, force: true });
  }
}
