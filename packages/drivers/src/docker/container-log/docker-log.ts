import { setTimeout } from 'node:timers/promises';
import { unlessMissing } from '../engine.ts';
import type { EngineClient } from '../engine-client.ts';
import type { ContainerLog } from './container-log.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { KeptLog } from './kept-log.ts';

/** Nothing for this long: there is no more at the moment. */
const quietMilliseconds = 100;

/** The log of a container of Docker, as the engine has kept it: from its beginning, and on until the container ends. */
export class DockerLog implements ContainerLog {
  readonly #client: EngineClient;
  readonly #container: string;
  readonly #target: string;
  readonly #listeners = new Set<() => void>();
  readonly #closing = new AbortController();
  #copying: Promise<void> | undefined;
  #isWhole = false;
  #chunks = 0;

  constructor(client: EngineClient, container: string, target: string) {
    this.#client = client;
    this.#container = container;
    this.#target = target;
  }

  async catchUp(hasEnded: boolean): Promise<void> {
    if (this.#isWhole) return;
    if (!hasEnded) return await this.#untilQuiet(this.#copy());
    // A copy that was begun while the container ran may have been cut off with the engine; then another takes it from there.
    await this.#copying?.catch(() => {});
    if (!this.#isWhole) await this.#copy();
    this.#isWhole = true;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closing.abort();
  }

  #copy(): Promise<void> {
    if (this.#copying === undefined) {
      this.#copying = this.#copyAll().finally(() => {
        this.#copying = undefined;
      });
      this.#copying.catch(() => {});
    }
    return this.#copying;
  }

  async #copyAll(): Promise<void> {
    const stream = await unlessMissing(
      this.#client.stream({
        path: `/containers/${this.#container}/logs`,
        query: { stdout: true, stderr: true, follow: true },
        signal: this.#closing.signal,
      }),
    );
    if (stream === undefined) return;
    const kept = await KeptLog.open(this.#target);
    const decoder = new FrameDecoder();
    try {
      for await (const chunk of stream) {
        this.#chunks++;
        for (const content of decoder.decode(chunk as Buffer)) await kept.append(content);
        for (const listener of this.#listeners) listener();
      }
    } finally {
      await kept.close();
    }
  }

  async #untilQuiet(copying: Promise<void>): Promise<void> {
    const isOver = copying.then(
      () => true,
      () => true,
    );
    for (let before = -1; before !== this.#chunks; ) {
      before = this.#chunks;
      if (await Promise.race([isOver, setTimeout(quietMilliseconds, false, { ref: false })])) return;
    }
  }
}
