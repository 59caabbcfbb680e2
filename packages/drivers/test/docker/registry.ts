import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Whether this machine has Docker's own registry; tests that need it are skipped otherwise, with a line that says so. */
export const hasRegistry = spawnSync('docker-registry', ['--version']).status === 0;
if (!hasRegistry)
  console.warn('SKIPPED: pulls are not tried, for want of docker-registry (scripts/debian-packages.sh)');

/** The user who may use a private registry: name and password, and that line of a file of Apache's (bcrypt). */
export const registryUser = {
  name: 'knit',
  password: 'secret',
  line: 'knit:$2y$04$7jx4a.lDhlTNMFoNg0vf3u93nt3YyOWJQh2IqeBiDUMEzAgN1qWxa',
} as const;

/** A registry of images on this machine, with nothing in it. */
export class Registry {
  readonly #directory: string;
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.#port = port;
  }

  /** @param isPrivate whether it is for `registryUser` only */
  static async start({ isPrivate = false } = {}): Promise<Registry> {
    const registry = new Registry(mkdtempSync(join(tmpdir(), 'knit-registry-')), await freePort());
    registry.#configure(isPrivate);
    await registry.up();
    return registry;
  }

  /** `127.0.0.1:PORT`, the first part of its images' names. */
  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async up(): Promise<void> {
    this.#process = spawn('docker-registry', ['serve', join(this.#directory, 'config.yml')], {
      stdio: 'ignore',
    });
    while (!(await fetch(`http://${this.host}/v2/`).catch(() => undefined))) await setTimeout(20);
  }

  async down(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    rmSync(this.#directory, { recursive: true });
  }

  #configure(isPrivate: boolean): void {
    const users = join(this.#directory, 'htpasswd');
    writeFileSync(users, `${registryUser.line}\n`);
    const parts = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(this.#directory, 'images') } },
      http: { addr: this.host },
      ...(isPrivate && { auth: { htpasswd: { realm: 'knit', path: users } } }),
    };
    // JSON is YAML.
    writeFileSync(join(this.#directory, 'config.yml'), JSON.stringify(parts));
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
