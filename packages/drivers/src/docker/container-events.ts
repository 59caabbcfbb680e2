import { setTimeout } from 'node:timers/promises';
import { labels } from './container-spec.ts';
import type { EngineClient } from './engine-client.ts';
import type { EngineEvent } from './engine-shapes.ts';
import { jsonLines } from './json-lines.ts';

const firstPauseMilliseconds = 250;
const longestPauseMilliseconds = 15_000;

/**
 * Tells of changes of workers' containers, from the engine's stream of events. When that breaks off, it is opened again, and all
 * workers may have changed meanwhile.
 */
export class ContainerEvents {
  readonly #client: EngineClient;
  readonly #server: string;
  readonly #listeners = new Set<(worker: string) => void>();
  readonly #closing = new AbortController();
  readonly #onConnect: () => void;
  #ended: Promise<void> | undefined;

  /** @param onConnect is called each time that events are heard from then on, and those before may have been missed */
  constructor(client: EngineClient, server: string, onConnect: () => void) {
    this.#client = client;
    this.#server = server;
    this.#onConnect = onConnect;
  }

  open(): void {
    this.#ended ??= this.#follow();
  }

  /** @returns a function that ends it */
  listen(listener: (worker: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Says that a worker has changed. */
  tell(worker: string): void {
    for (const listener of this.#listeners) listener(worker);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    for (
      let pause = firstPauseMilliseconds;
      !signal.aborted;
      pause = Math.min(2 * pause, longestPauseMilliseconds)
    ) {
      try {
        await this.#followOnce(signal, () => {
          pause = firstPauseMilliseconds;
        });
      } catch {
        // Whatever it was, only another attempt can tell whether it is over; calls of others tell users of it.
      }
      await setTimeout(pause, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #followOnce(signal: AbortSignal, onEvent: () => void): Promise<void> {
    const filters = JSON.stringify({ type: ['container'], label: [`${labels.server}=${this.#server}`] });
    const stream = await this.#client.stream({ path: '/events', query: { filters }, signal });
    this.#onConnect();
    for await (const { Actor } of jsonLines<EngineEvent>(stream)) {
      onEvent();
      const worker = Actor?.Attributes?.[labels.worker] ?? Actor?.Attributes?.name;
      if (worker !== undefined) this.tell(worker);
    }
  }
}
