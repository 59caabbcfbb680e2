import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import type { PlanId, RunId } from '@knitfab/core';
import type { WorkerSpec, WorkerState } from '@knitfab/engine';
import type { LocalDriversOptions } from '../../src/index.ts';
import { temporaryDirectory, type User } from './users.ts';

type Answer = { id: number; value?: unknown; error?: { kind: string; reason: string; advice?: string } };

/** What a call of the drivers was refused with. */
export class Refused extends Error {
  readonly kind: string;

  constructor({ kind, reason, advice }: NonNullable<Answer['error']>) {
    super(`${kind}: ${reason}${advice === undefined ? '' : `\n${advice}`}`);
    this.kind = kind;
  }
}

/** Without what whoever runs the tests has put into it, where other users may not look. */
const standardPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Drivers in a process of their own, which can run as another user, and be killed. */
export class DriverHost {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #last = 0;
  readonly ended: Promise<unknown>;

  private constructor(process_: ChildProcess) {
    this.#process = process_;
    this.ended = once(process_, 'exit');
    void this.ended.then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the host has ended'));
    });
  }

  static async open(
    user: User,
    options: LocalDriversOptions,
    env: NodeJS.ProcessEnv = {},
  ): Promise<DriverHost> {
    const script = join(import.meta.dirname, 'driver-host.ts');
    const [file = '', ...args] = [...user.prefix, process.execPath, script, JSON.stringify(options)];
    const child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, PATH: standardPath, ...env },
    });
    const host = new DriverHost(child);
    const lines = createInterface(child.stdout);
    const ready = once(lines, 'line');
    await Promise.race([ready, host.ended.then(() => Promise.reject(new Error('the host did not start')))]);
    lines.on('line', (line) => host.#answer(JSON.parse(line)));
    return host;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  call<Value>(method: string, ...args: unknown[]): Promise<Value> {
    const id = ++this.#last;
    return new Promise<Value>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#process.stdin?.write(`${JSON.stringify({ id, method, args })}\n`);
    });
  }

  async close(): Promise<void> {
    this.#process.stdin?.end();
    await this.ended;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  #answer({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error !== undefined) waiting?.reject(new Refused(error));
    else waiting?.resolve(value as never);
  }
}

export type Ended = Extract<WorkerState, { phase: 'ended' }>;

/** A driver host with a directory of its own, and short ways to do with it what the engine does. */
export class Driven {
  readonly user: User;
  readonly directory: string;
  readonly #remove: () => Promise<void>;
  readonly #options: Omit<LocalDriversOptions, 'directory'>;
  host: DriverHost;

  private constructor(
    user: User,
    place: ReturnType<typeof temporaryDirectory>,
    options: Omit<LocalDriversOptions, 'directory'>,
    host: DriverHost,
  ) {
    this.user = user;
    this.directory = place.path;
    this.#remove = place.remove;
    this.#options = options;
    this.host = host;
  }

  /**
   * @param parent where the directory is made, when not among the machine's temporary files
   */
  static async open(
    user: User,
    options: Omit<LocalDriversOptions, 'directory'> = {},
    env: NodeJS.ProcessEnv = {},
    parent?: string,
  ): Promise<Driven> {
    const place = temporaryDirectory(user, parent);
    const host = await DriverHost.open(user, { ...options, directory: place.path }, env);
    return new Driven(user, place, options, host);
  }

  /** Kills the host, or only goes on when it is dead, and starts another in the same directory. */
  async restart(): Promise<void> {
    await this.host.kill();
    this.host = await DriverHost.open(this.user, { ...this.#options, directory: this.directory });
  }

  async close(): Promise<void> {
    for (const name of await this.host.call<string[]>('list')) await this.host.call('remove', name);
    await this.host.close();
    await this.#remove();
  }

  volume(ref: string): string {
    return join(this.directory, 'volumes', ref);
  }

  /** A worker with an output at /out and a log, and volumes for them and for its inputs. */
  async prepare(command: readonly string[], parts: Partial<WorkerSpec> = {}): Promise<WorkerSpec> {
    const runId = randomUUID() as RunId;
    const spec: WorkerSpec = {
      name: `worker-run-${runId}`,
      runId,
      planId: randomUUID() as PlanId,
      image: 'host:v1',
      args: command,
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
    await Promise.all(refs.map((ref) => this.host.call('create', ref)));
    return spec;
  }

  async start(command: readonly string[], parts: Partial<WorkerSpec> = {}): Promise<WorkerSpec> {
    const spec = await this.prepare(command, parts);
    await this.host.call('start', spec);
    return spec;
  }

  /** Waits until the worker is in one of the phases. */
  async until<Phase extends WorkerState['phase']>(
    { name }: WorkerSpec,
    ...phases: Phase[]
  ): Promise<Extract<WorkerState, { phase: Phase }>> {
    for (;;) {
      const state = await this.host.call<WorkerState>('inspect', name);
      if (phases.includes(state.phase as Phase)) return state as Extract<WorkerState, { phase: Phase }>;
      if (state.phase === 'missing') throw new Error(`${name} is missing`);
      await setTimeout(5);
    }
  }

  /** Runs a shell script to its end. */
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
    return { ...state, log: spec.log ? this.read(spec.log.volume, 'log') : '', spec };
  }

  read(ref: string, file: string): string {
    return readFileSync(join(this.volume(ref), file), 'utf8');
  }
}

/** The ids of the processes whose command line has this word, wherever they run. */
export function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
      } catch {
        return false; // it has ended meanwhile
      }
    })
    .map(Number);
}
