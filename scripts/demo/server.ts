import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

/** How long `knit up` may take to be ready and to stop, in milliseconds. */
const patience = { start: 60_000, stop: 20_000 };

/** A `knit up` of our own, as a process of its own. */
export class EmbeddedServer {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #output: string[];

  private constructor(url: string, child: ChildProcess, output: string[]) {
    this.url = url;
    this.#child = child;
    this.#output = output;
  }

  /**
   * Starts `knit up` and waits until it says where it listens.
   * @throws {Error} with the end of what it wrote when it does not get there
   */
  static async start(props: {
    script: string;
    dataDirectory: string;
    environment: NodeJS.ProcessEnv;
    signal: AbortSignal;
  }): Promise<EmbeddedServer> {
    const child = spawn(
      process.execPath,
      [props.script, 'up', '--data-dir', props.dataDirectory, '--port', '0'],
      // A process group of its own: Ctrl-C reaches the demo alone, which then stops the server once and in order.
      { detached: true, env: props.environment, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const output: string[] = [];
    const ready = Promise.withResolvers<string>();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output.push(text);
        const url = /https?:\/\/[\w.[\]:-]+:\d+/.exec(output.join(''))?.[0];
        if (url !== undefined) ready.resolve(url);
      });
    }
    child.once('error', ready.reject);
    child.once('close', (code) => ready.reject(new Error(`\`knit up\` ended with exit code ${code}`)));
    const limit = AbortSignal.any([props.signal, AbortSignal.timeout(patience.start)]);
    limit.addEventListener('abort', () => ready.reject(limit.reason), { once: true });
    try {
      return new EmbeddedServer(await ready.promise, child, output);
    } catch (error) {
      const server = new EmbeddedServer('', child, output);
      await server.stop();
      throw new Error(`\`knit up\` did not start; it wrote:\n${server.lastLines(30)}`, { cause: error });
    }
  }

  /** Asks the server to stop, as Ctrl-C does, and waits until it has. */
  async stop(): Promise<void> {
    if (this.fate !== undefined) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGINT');
    if ((await Promise.race([gone, delay(patience.stop, 'late', { ref: false })])) !== 'late') return;
    this.#child.kill('SIGKILL');
    throw new Error(`\`knit up\` did not stop within ${patience.stop / 1000} s and was killed`);
  }

  /** How the server ended, if it has. */
  get fate(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return undefined;
    return signalCode === null ? `it ended with exit code ${exitCode}` : `it was ended by ${signalCode}`;
  }

  /** The end of what the server has written. */
  lastLines(count: number): string {
    return this.#output.join('').trimEnd().split('\n').slice(-count).join('\n');
  }
}
