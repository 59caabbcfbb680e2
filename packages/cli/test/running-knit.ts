import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DataDetail, PlanDetail, RunDetail } from '@knitfab/api';
import { Home, type KnitOptions, type Outcome } from './knit.ts';

interface PlanText {
  readonly input: string;
  readonly output: string;
  readonly script: string;
}

/** A `knit up` of its own, and the commands of a user who has it. */
export class RunningKnit {
  readonly home: Home;
  server: ReturnType<Home['start']>;

  constructor(home: Home, server: ReturnType<Home['start']>) {
    this.home = home;
    this.server = server;
  }

  static async start(): Promise<RunningKnit> {
    const home = await Home.create();
    return new RunningKnit(home, await RunningKnit.#up(home, '0'));
  }

  static async #up(home: Home, port: string): Promise<ReturnType<Home['start']>> {
    const server = home.start(['up', '--data-dir', join(home.path, 'data'), '--port', port]);
    let said = '';
    server.stderr.on('data', (chunk) => {
      said += chunk;
    });
    await Promise.race([
      once(createInterface(server.stdout), 'line'),
      once(server, 'exit').then(() => Promise.reject(new Error(`knit up ended: ${said}`))),
    ]);
    return server;
  }

  /** Ends `knit up` and starts it again at the same place, some time later. */
  async restart(signal: 'SIGINT' | 'SIGKILL', pause: () => Promise<unknown> = async () => {}): Promise<void> {
    const { port } = new URL(await this.apiRoot());
    this.server.kill(signal);
    if (this.server.exitCode === null && this.server.signalCode === null) await once(this.server, 'exit');
    await pause();
    this.server = await RunningKnit.#up(this.home, port);
  }

  /** @returns the exit code of `knit up` */
  async stop(): Promise<number | null> {
    this.server.kill('SIGINT');
    if (this.server.exitCode === null) await once(this.server, 'exit');
    await this.home.remove();
    return this.server.exitCode;
  }

  /** Where the API is, from what the server announced. */
  async apiRoot(): Promise<string> {
    const directory = join(this.home.path, '.knit', 'servers');
    const [name = ''] = await readdir(directory);
    return (JSON.parse(await readFile(join(directory, name), 'utf8')) as { apiRoot: string }).apiRoot;
  }

  knit(...args: string[]): Promise<Outcome> {
    return this.home.knit(args);
  }

  /** What a command that succeeds prints, as the API's JSON. */
  async json<Shape>(args: readonly string[], options: KnitOptions = {}): Promise<Shape> {
    const { code, stdout, stderr } = await this.home.knit(args, options);
    if (code !== 0) throw new Error(`knit ${args.join(' ')} exited with ${code}: ${stderr}`);
    return JSON.parse(stdout) as Shape;
  }

  /** Makes a directory with these files. */
  async directory(name: string, files: Readonly<Record<string, string>>): Promise<string> {
    const path = join(this.home.work, name);
    await mkdir(path, { recursive: true });
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(path, file)), { recursive: true });
      await writeFile(join(path, file), content);
    }
    return path;
  }

  push(source: string, ...tags: string[]): Promise<DataDetail> {
    return this.json(['data', 'push', ...tags.flatMap((tag) => ['-t', tag]), source]);
  }

  /** Registers a Plan that runs a shell script on Data with one tag and makes Data with another. */
  applyPlan({ input, output, script }: PlanText): Promise<PlanDetail> {
    const yaml = `image: host:v1
entrypoint: ["sh", "-c"]
args: [${JSON.stringify(script)}]
inputs: [{path: /in/data, tags: ["${input}"]}]
outputs: [{path: /out, tags: ["${output}"]}]
log: {tags: ["log-of:${output}"]}
`;
    return this.json(['plan', 'apply', '-'], { input: yaml });
  }

  runsOf({ planId }: PlanDetail): Promise<RunDetail[]> {
    return this.json(['run', 'find', '-p', planId]);
  }

  /** The first Run of a Plan, once it is there. */
  async firstRunOf(plan: PlanDetail): Promise<RunDetail> {
    for (;;) {
      const [run] = await this.runsOf(plan);
      if (run) return run;
    }
  }
}
