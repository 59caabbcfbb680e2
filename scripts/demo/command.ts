import { spawn } from 'node:child_process';
import { showCommand } from './narration.ts';

/** A command that ended with another exit code than 0. */
export class CommandFailed extends Error {
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(command: string, exitCode: number | null, stderr: string) {
    super(`\`${command}\` ended with exit code ${exitCode}:\n${stderr.trimEnd()}`);
    this.name = 'CommandFailed';
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export interface CommandProps {
  /** Absolute path of the JavaScript file to run with this Node. */
  readonly script: string;
  /** What to call it when its command line is shown. */
  readonly name: string;
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** Runs one program the way a user does: as a process of its own, its command line shown. */
export class Command {
  readonly #props: CommandProps;

  constructor(props: CommandProps) {
    this.#props = props;
  }

  /**
   * Shows the command line, runs it, and gives what it wrote to stdout.
   * @throws {CommandFailed} with what it wrote to stderr
   */
  run(...args: string[]): Promise<string> {
    showCommand(this.#props.name, ...args.map(quoted));
    return this.quietly(...args);
  }

  /** Like `run`, without a word. */
  async quietly(...args: string[]): Promise<string> {
    const { script, name, directory, environment, signal } = this.#props;
    const child = spawn(process.execPath, [script, ...args], {
      cwd: directory,
      env: environment,
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    child.once('error', reject).once('close', resolve);
    const exitCode = await promise;
    if (exitCode !== 0) throw new CommandFailed([name, ...args].join(' '), exitCode, stderr);
    return stdout;
  }

  /** Runs the command and reads its stdout as JSON. */
  async json<Result>(...args: string[]): Promise<Result> {
    return JSON.parse(await this.quietly(...args));
  }

  /** Shows and runs a command that has to be refused; gives what it wrote to stderr. */
  async refused(...args: string[]): Promise<string> {
    try {
      await this.run(...args);
    } catch (error) {
      if (error instanceof CommandFailed) return error.stderr.trim();
      throw error;
    }
    throw new Error(`\`${this.#props.name} ${args.join(' ')}\` should have been refused, but went well`);
  }
}

/** The argument as one would type it into a shell. */
const quoted = (argument: string): string =>
  /^[\w@%+=:,./#-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
