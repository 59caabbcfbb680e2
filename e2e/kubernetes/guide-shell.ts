import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const ended = 'this block has ended';

/** One bash in a home directory of its own, into which a guide's blocks are put one after the other, as a reader would. */
export class GuideShell {
  readonly home: string;
  readonly #bash: ChildProcessByStdio<Writable, Readable, null>;
  readonly #exited: Promise<unknown>;
  #hasExited = false;
  #printed = '';

  private constructor(home: string, environment: NodeJS.ProcessEnv) {
    this.home = home;
    // The first command that fails ends it: what comes after depends on it.
    this.#bash = spawn('bash', ['-e', '-o', 'pipefail'], {
      cwd: home,
      env: {
        ...process.env,
        HOME: home,
        KNITFAB: repository,
        PATH: `${join(repository, 'node_modules', '.bin')}:${process.env.PATH}`,
        NO_COLOR: '1',
        ...environment,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#exited = once(this.#bash, 'close').then(() => {
      this.#hasExited = true;
    });
    this.#bash.stdin.on('error', () => {}); // it has ended
    this.#bash.stdout.on('data', (chunk: Buffer) => {
      this.#printed += chunk;
    });
    this.#bash.stdin.write('exec 2>&1\n');
  }

  static async start(environment: NodeJS.ProcessEnv): Promise<GuideShell> {
    return new GuideShell(await mkdtemp(join(tmpdir(), 'knit-guide-')), environment);
  }

  /** Gives the shell a variable that the reader has to set. */
  set(name: string, value: string): void {
    this.#bash.stdin.write(`export ${name}='${value}'\n`);
  }

  /**
   * Runs a script in the shell.
   * @returns what it has printed, errors included
   * @throws {Error} with that, when a command of it has failed, or one before it
   */
  async run(script: string): Promise<string> {
    const file = join(this.home, '.block.sh');
    await writeFile(file, script);
    this.#printed = '';
    this.#bash.stdin.write(`source '${file}' </dev/null; echo '${ended}'\n`);
    while (!this.#printed.endsWith(`${ended}\n`)) {
      if (this.#hasExited) throw new Error(`failed: ${script}\n${this.#printed}`);
      await Promise.race([once(this.#bash.stdout, 'data'), this.#exited]);
    }
    return this.#printed.slice(0, -ended.length - 1);
  }

  /** Ends the shell and removes its home. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#bash.stdin.end();
    await this.#exited;
    await rm(this.home, { recursive: true, force: true });
  }
}
