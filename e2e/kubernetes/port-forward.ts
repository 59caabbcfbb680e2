import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

/**
 * A Service's port at 127.0.0.1, by `kubectl port-forward`. It leads to one pod, and comes back by itself with another one at the
 * same port when that ends.
 */
export class PortForward {
  readonly #command: readonly string[];
  readonly #service: string;
  #child: ChildProcess | undefined;
  #port = 0;
  #isClosed = false;

  private constructor(command: readonly string[], service: string) {
    this.#command = command;
    this.#service = service;
  }

  /** @param service such as `service/knitd:443` */
  static async to(service: string, namespace: string): Promise<PortForward> {
    const forward = new PortForward(['--namespace', namespace, 'port-forward'], service);
    await forward.#open();
    return forward;
  }

  get port(): number {
    return this.#port;
  }

  async #open(): Promise<void> {
    const [name = '', target = ''] = this.#service.split(':');
    const child = spawn('kubectl', [...this.#command, name, `${this.#port || ''}:${target}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    child.once('exit', () => {
      void this.#reopen();
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port === undefined) continue;
      this.#port = Number(port);
      child.stdout.resume(); // it tells of each connection
      return;
    }
    if (this.#port === 0) throw new Error(`kubectl port-forward ${this.#service} ended before it was up`);
  }

  async #reopen(): Promise<void> {
    if (this.#isClosed || this.#port === 0) return;
    await setTimeout(200);
    if (!this.#isClosed) await this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, 'exit');
  }
}
