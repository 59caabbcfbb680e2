import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { KnitServer } from '../e2e/knit-server.ts';

/** Longer than a hop. */
const quietMilliseconds = 250;

/** Pushes Data to a server, each of which starts a Run. */
export class Hops {
  readonly #server: KnitServer;
  readonly #source: string;
  readonly #planId: string;
  #count = 0;

  private constructor(server: KnitServer, source: string, planId: string) {
    this.#server = server;
    this.#source = source;
    this.#planId = planId;
  }

  static async on(server: KnitServer): Promise<Hops> {
    const source = await mkdtemp(join(tmpdir(), 'knit-bench-'));
    await writeFile(join(source, 'file'), 'one line\n');
    const planId = await server.register({
      image: 'host:hop',
      entrypoint: ['date', '+%s%N'],
      inputs: [{ path: '/in', tags: ['bench:hop'] }],
      log: { tags: [] },
    });
    const hops = new Hops(server, source, planId);
    await hops.next(); // the warm-up
    return hops;
  }

  /** A push is acknowledged → the process of the Run that it starts says that it runs: milliseconds. */
  async next(): Promise<number> {
    const knitId = await this.#server.push(this.#source, 'bench:hop');
    const acknowledged = performance.timeOrigin + performance.now();
    this.#count++;
    // Whoever asks meanwhile takes time of the same processor.
    await setTimeout(quietMilliseconds);
    const runs = await this.#server.finished(this.#planId, this.#count, quietMilliseconds);
    const run = runs.find((each) => each.inputs.some((input) => input.knitId === knitId));
    const log = await this.#server.log(run?.runId ?? '');
    return Number(BigInt(log.trim()) / 1000n) / 1000 - acknowledged;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#source, { recursive: true });
  }
}
