import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Client, createClient, type PlanSpec, type RunDetail } from '@knitfab/api';
import { packTree } from '@knitfab/archive';
import { startEmbeddedPostgres } from '@knitfab/store';

const sources = fileURLToPath(new URL('../packages/cli/bin/knit.js', import.meta.url));

/** The command, as `npx knit` finds it, or the released executable that the variable KNIT names. */
export const knit: readonly [string, ...string[]] = process.env.KNIT
  ? [resolve(process.env.KNIT)]
  : [process.execPath, sources];

export interface KnitServerOptions {
  /** A program, with its arguments, that starts the command as somebody else. */
  readonly prefix?: readonly string[];
  /** Options of `knit up`. */
  readonly options?: readonly string[];
  /** Variables of the server's process, beside those that all have. */
  readonly environment?: NodeJS.ProcessEnv;
}

const unfinished = ['deactivated', 'waiting', 'ready', 'starting', 'running', 'completing', 'aborting'];

/**
 * A server as a user starts it: `knit up`, as a process of its own, with a data directory and a home that go with it.
 *
 * ```ts
 * await using server = await KnitServer.start();
 * ```
 */
export class KnitServer {
  /** The home of the server's user; the data directory is in it. */
  readonly home: string;
  readonly #prefix: readonly string[];
  readonly #options: readonly string[];
  readonly #extraEnvironment: NodeJS.ProcessEnv;
  #process: ChildProcess | undefined;
  #client: Client | undefined;
  #port = 0;

  constructor(home: string, { prefix = [], options = [], environment = {} }: KnitServerOptions = {}) {
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

  get client(): Client {
    if (this.#client === undefined) throw new Error('the server is not up');
    return this.#client;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** The environment in which commands find this server. */
  get environment(): NodeJS.ProcessEnv {
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

  /** Runs a `knit` command against this server. */
  async knit(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const [program, ...first] = knit;
    const child = spawn(program, [...first, ...args], {
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, [code]] = await Promise.all([
      child.stdout.toArray(),
      child.stderr.toArray(),
      once(child, 'exit'),
    ]);
    return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
  }

  /** Pushes a directory and returns the new Data's id once its tags are acknowledged. */
  async push(directory: string, ...tags: string[]): Promise<string> {
    const { knitId } = await this.client.uploadData(packTree(directory), {
      contentType: 'application/x-tar',
    });
    await this.client.tagData(knitId, { add: tags });
    return knitId;
  }

  async register(plan: PlanSpec): Promise<string> {
    return (await this.client.registerPlan(plan)).planId;
  }

  /** Waits until a Plan has at least `count` Runs and all of them are finished. */
  async finished(planId: string, count: number, pause = 20): Promise<RunDetail[]> {
    for (;;) {
      const open = await this.client.findRuns({ plan: [planId], status: unfinished });
      if (open.length === 0) {
        const runs = await this.client.findRuns({ plan: [planId] });
        if (runs.length >= count && runs.every((run) => !unfinished.includes(run.status))) return runs;
      }
      await setTimeout(pause);
    }
  }

  /** What a Run has printed. */
  async log(runId: string): Promise<string> {
    return Buffer.concat(await (await this.client.getRunLog(runId)).toArray()).toString();
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
