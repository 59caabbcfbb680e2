import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Whoever the engine runs as; root when left out. */
export interface PodmanUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Whether this machine has Podman; tests that need it are skipped otherwise, with a line that says so. */
export const hasPodman = spawnSync('podman', ['--version']).status === 0 && process.getuid?.() === 0;
if (!hasPodman)
  console.warn(
    'SKIPPED: containers are not tried, for want of Podman (scripts/debian-packages.sh) or of root',
  );

/** An ordinary user who has ids to give to containers, as Podman needs to run without root; see subuid(5). */
export function ordinaryPodmanUser(): PodmanUser | undefined {
  const names = readLines('/etc/subuid').map((line) => line.split(':')[0]);
  const entry = readLines('/etc/passwd')
    .map((line) => line.split(':'))
    .find(([name]) => names.includes(name));
  return entry?.[0] === undefined
    ? undefined
    : { name: entry[0], uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** Programs that test images are made of. */
const programs =
  'sh echo cat sleep date dd yes head tail id ls chmod chown touch mkdir seq sha256sum env rm od'.split(' ');

export interface ImageParts {
  /** Further programs of this machine. */
  readonly extra?: readonly string[];
  /** As in a Dockerfile: `USER 1234`, `ENTRYPOINT ["cat"]`. */
  readonly changes?: readonly string[];
  /** Fills the image's tree, which has the programs already. */
  readonly fill?: (root: string) => void;
}

/** A container engine of its own, with images and containers of its own, started for a test: `podman system service`. */
export class PodmanService {
  readonly directory: string;
  readonly socket: string;
  readonly #user: PodmanUser | undefined;
  readonly #environment: NodeJS.ProcessEnv;
  #process: ChildProcess | undefined;

  private constructor(user: PodmanUser | undefined) {
    this.#user = user;
    this.directory = mkdtempSync(join(tmpdir(), 'knit-podman-'));
    this.socket = join(this.directory, 'podman.sock');
    this.#environment = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: this.directory,
      XDG_RUNTIME_DIR: this.directory,
      CONTAINERS_CONF: join(this.directory, 'containers.conf'),
      CONTAINERS_REGISTRIES_CONF: join(this.directory, 'registries.conf'),
      CONTAINERS_STORAGE_CONF: join(this.directory, 'storage.conf'),
      TMPDIR: this.directory,
    };
  }

  static async start(user?: PodmanUser): Promise<PodmanService> {
    const service = new PodmanService(user);
    service.#configure();
    await service.up();
    return service;
  }

  get address(): string {
    return `unix://${this.socket}`;
  }

  /** Starts the engine, and waits until it answers. */
  async up(): Promise<void> {
    const [file = '', ...args] = this.#command(['system', 'service', '--time=0', this.address]);
    const child = spawn(file, args, {
      env: this.#environment,
      cwd: this.directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    let complaints = '';
    child.stderr?.on('data', (chunk) => {
      complaints = `${complaints}${chunk}`.slice(-2000);
    });
    while (!(await this.#answers())) {
      if (child.exitCode !== null) throw new Error(`podman system service ended: ${complaints}`);
      await setTimeout(20);
    }
    chmodSync(this.socket, 0o777);
  }

  /** Ends the engine; containers go on. */
  async down(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  /** Runs `podman` with this engine's images and containers. @returns what it prints */
  podman(...args: string[]): string {
    const [file = '', ...rest] = this.#command(args);
    return execFileSync(file, rest, {
      env: this.#environment,
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
      .toString()
      .trim();
  }

  /** Makes an image of this machine's own programs. */
  image(
    name: string,
    { changes = ['CMD ["sh", "-c", "echo no command was given"]'], extra = [], fill }: ImageParts = {},
  ): void {
    const root = mkdtempSync(join(this.directory, 'image-'));
    for (const file of [...programs, ...extra].flatMap(programFiles)) {
      mkdirSync(join(root, dirname(file)), { recursive: true });
      cpSync(realpathSync(file), join(root, file));
    }
    mkdirSync(join(root, 'tmp'));
    chmodSync(join(root, 'tmp'), 0o1777);
    fill?.(root);
    const archive = `${root}.tar`;
    execFileSync('tar', ['-C', root, '-cf', archive, '.']);
    chmodSync(archive, 0o644);
    this.podman('import', ...changes.flatMap((change) => ['--change', change]), archive, name);
  }

  /** Ends all, and removes all. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
    try {
      this.podman('rm', '--all', '--force', '--time=0');
    } finally {
      this.#endPause();
      spawnSync('umount', ['-R', join(this.directory, 'storage/overlay')], { stdio: 'ignore' });
      // Whatever is left in use, such as a mount, shows up as a failure.
      execFileSync('rm', ['-rf', this.directory]);
    }
  }

  /** Without root, Podman leaves a process behind that holds its namespaces. */
  #endPause(): void {
    const [pid] = this.#user === undefined ? [] : readLines(join(this.directory, 'libpod/tmp/pause.pid'));
    if (pid !== undefined) process.kill(Number(pid));
  }

  #configure(): void {
    // As root of a machine that runs in a container itself may.
    const limits = ['nofile', 'nproc']
      .map((name) => `"${name}=${hardLimit(name)}:${hardLimit(name)}"`)
      .join(', ');
    const files = {
      'containers.conf': `[containers]\ndefault_ulimits = [${limits}]\nnetns = "none"\n[engine]\nruntime = "${runtime()}"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n`,
      'registries.conf': '[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n',
      'storage.conf': `[storage]\ndriver = "overlay"\ngraphroot = "${this.directory}/storage"\nrunroot = "${this.directory}/run"\n`,
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(this.directory, name), content);
    chmodSync(this.directory, 0o755);
    if (this.#user !== undefined) chownSync(this.directory, this.#user.uid, this.#user.gid);
  }

  #command(args: readonly string[]): string[] {
    const podman = ['podman', ...args];
    if (this.#user === undefined) return podman;
    return [
      'setpriv',
      `--reuid=${this.#user.uid}`,
      `--regid=${this.#user.gid}`,
      '--init-groups',
      '--',
      ...podman,
    ];
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      request({ socketPath: this.socket, path: '/_ping', agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      })
        .once('error', () => resolve(false))
        .end();
    });
  }
}

/** A program and the libraries that it needs. */
function programFiles(program: string): string[] {
  const file = execFileSync('/bin/sh', ['-c', `command -v ${program}`])
    .toString()
    .trim();
  const libraries = spawnSync('ldd', [file]).stdout.toString();
  return [
    join('/bin', basename(file)),
    ...[...libraries.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? ''),
  ];
}

function hardLimit(name: string): string {
  const title = { nofile: 'Max open files', nproc: 'Max processes' }[name] ?? '';
  const limit = /(\d+|unlimited)\s+\S+$/.exec(
    readLines('/proc/self/limits').find((line) => line.startsWith(title)) ?? '',
  );
  const value = Number(limit?.[1]);
  return String(Number.isNaN(value) ? 20_000 : Math.min(value, 20_000));
}

/** crun does not get along with control groups of version 1 as some machines have them. */
const runtime = () => (spawnSync('runc', ['--version']).status === 0 ? 'runc' : 'crun');

const readLines = (file: string): string[] => {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
};
