import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';

/** Whether a program is there. */
export const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

/** A program on a terminal of its own, made by script(1); what it writes is gathered. */
export class Terminal {
  readonly #child: ChildProcessWithoutNullStreams;
  output = '';

  /** @param command for a shell */
  constructor(
    command: string,
    { cwd, env }: { cwd: string; env: Readonly<Record<string, string | undefined>> },
  ) {
    this.#child = spawn('script', ['-qfec', command, '/dev/null'], { cwd, env });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
  }

  type(keys: string): void {
    this.#child.stdin.write(keys);
  }

  /** Forgets what was written so far, types, and waits until the output fits. */
  async answer(keys: string, fits: (output: string) => boolean): Promise<string> {
    this.output = '';
    this.type(keys);
    return await this.until(fits);
  }

  async until(fits: (output: string) => boolean): Promise<string> {
    const late = AbortSignal.timeout(15_000);
    while (!fits(stripVTControlCharacters(this.output))) {
      await once(this.#child.stdout, 'data', { signal: late }).catch(() => {
        throw new Error(`nothing that was waited for came: ${JSON.stringify(this.output)}`);
      });
    }
    return stripVTControlCharacters(this.output);
  }

  /** @returns the exit code of the program */
  async end(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
