import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The Kubernetes API at 127.0.0.1, by `kubectl proxy`: without the time that a `kubectl` takes to start. */
export class ApiProxy {
  readonly #process: ChildProcess;
  readonly #address: string;

  private constructor(process: ChildProcess, address: string) {
    this.#process = process;
    this.#address = address;
  }

  static async start(): Promise<ApiProxy> {
    const child = spawn('kubectl', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: child.stdout })) {
      const address = /127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (address !== undefined) return new ApiProxy(child, `http://${address}`);
    }
    throw new Error('kubectl proxy ended before it was up');
  }

  async get<Shape>(path: string): Promise<Shape> {
    return (await this.#send('GET', path)).json() as Promise<Shape>;
  }

  async text(path: string): Promise<string> {
    return (await this.#send('GET', path)).text();
  }

  async create(path: string, object: object): Promise<void> {
    await (await this.#send('POST', path, object)).arrayBuffer();
  }

  async delete(path: string): Promise<void> {
    await (await this.#send('DELETE', `${path}?propagationPolicy=Background`)).arrayBuffer();
  }

  async #send(method: string, path: string, body?: object): Promise<Response> {
    const answer = await fetch(`${this.#address}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    if (this.#process.exitCode === null && this.#process.signalCode === null)
      await once(this.#process, 'exit');
  }
}
