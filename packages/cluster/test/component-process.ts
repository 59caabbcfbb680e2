import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly component: string;
  readonly port?: number;
  readonly metricsPort?: number;
}

/** A component as a process of its own, without a cluster around it. */
export class ComponentProcess implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  /** Lines of stdout that are no JSON. */
  readonly noise: string[] = [];
  complaint = '';
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown>;

  constructor(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.#process = spawn(process.execPath, [main, ...args], {
      // Neither a cluster nor a home with the settings of one.
      env: { PATH: process.env.PATH, HOME: '/nonexistent', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#closed = once(this.#process, 'close');
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error('the process has no pipes');
    createInterface({ input: stdout }).on('line', (line) => {
      try {
        this.lines.push(JSON.parse(line));
      } catch {
        this.noise.push(line);
      }
    });
    stderr.on('data', (text) => {
      this.complaint += text;
    });
  }

  /** The line of the log that says something, once it does. @throws when the process ends without having said it */
  async told(text: string): Promise<LogLine> {
    for (;;) {
      const line = this.lines.find(({ msg }) => msg.includes(text));
      if (line !== undefined) return line;
      if (this.#process.exitCode !== null || this.#process.signalCode !== null)
        throw new Error(`it ended without ${text}: ${JSON.stringify(this.lines)} ${this.complaint}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Its exit code, once it has ended. */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.ended();
  }
}

/** A directory as the charts make one: `config.json`, and secrets beside it. */
export async function settingsDirectory(
  more: object = {},
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'knit-settings-'));
  const configuration = { namespace: 'knitfab', image: 'knitfab:test', ...more };
  await writeFile(join(path, 'config.json'), JSON.stringify(configuration));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** How programs are told of a database. A socket's directory, its port and its user are parameters of the address. */
export function databaseEnvironment(address: string): NodeJS.ProcessEnv {
  const { hostname, port, username, password, pathname, searchParams } = new URL(address);
  return {
    PGHOST: searchParams.get('host') ?? hostname,
    PGPORT: searchParams.get('port') ?? port,
    PGUSER: searchParams.get('user') ?? decodeURIComponent(username),
    ...(password !== '' && { PGPASSWORD: decodeURIComponent(password) }),
    PGDATABASE: pathname.slice(1),
  };
}
