import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const sources = fileURLToPath(new URL('../bin/knit.js', import.meta.url));

/** What is tested: the command from its sources, or the released executable that the variable KNIT names. */
export const program: readonly [string, ...string[]] = process.env.KNIT
  ? [resolve(process.env.KNIT)]
  : [process.execPath, sources];

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KnitOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Buffer;
}

/** A home directory of its own, in which the real command runs as a user would run it. */
export class Home {
  readonly path: string;
  /** Where commands run when nothing else is said. */
  readonly work: string;

  constructor(path: string) {
    this.path = path;
    this.work = join(path, 'work');
  }

  static async create(): Promise<Home> {
    const home = new Home(await mkdtemp(join(tmpdir(), 'knit-cli-')));
    await mkdir(home.work);
    return home;
  }

  /** Starts `knit` and leaves it running. */
  start(
    args: readonly string[],
    { cwd = this.work, env = {} }: KnitOptions = {},
  ): ChildProcessWithoutNullStreams {
    const { KNIT_PROFILE, KNIT_PROFILE_STORE, KNIT_ENV, DATABASE_URL, NODE_OPTIONS, ...inherited } =
      process.env;
    const [file, ...first] = program;
    return spawn(file, [...first, ...args], {
      cwd,
      // The cache of compiled code is shared: it is no state of the command.
      env: { XDG_CACHE_HOME: join(tmpdir(), 'knit-test-cache'), ...inherited, HOME: this.path, ...env },
    });
  }

  /** Runs `knit` to its end. */
  async knit(args: readonly string[], options: KnitOptions = {}): Promise<Outcome> {
    const child = this.start(args, options);
    child.stdin.on('error', () => {}); // it may end before it has read everything
    child.stdin.end(options.input ?? '');
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined,
    ]);
    return { code: child.exitCode, stdout, stderr };
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
