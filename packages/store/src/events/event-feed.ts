import { setTimeout } from 'node:timers/promises';
import type { Store } from '../database.ts';
import { listen } from '../notifications.ts';
import { covers, type EventPosition, parsePosition, type Snapshot } from './event-position.ts';
import { EventQueue } from './event-queue.ts';
import { presentPosition, readEvents, type StoredEvent } from './read-events.ts';

/** Something may have been missed: whoever reads this reads everything again. */
export interface Reset {
  readonly event: 'reset';
  readonly data: Record<string, never>;
  readonly position: EventPosition;
}

/** Nothing yet: where a reader stands that begins now. */
export interface Beginning {
  readonly event: 'beginning';
  readonly position: EventPosition;
}

/** How many events a slow reader may be behind in memory; beyond that it reads them from the database. */
const longestQueue = 1000;

/** Changes that follow each other as closely are read at once. */
const shortestPause = 20;
/** The net below the notifications. */
const longestPause = 15_000;

/**
 * Events for any number of readers, by one connection that listens and one query for all of them. While nobody reads, it does
 * nothing.
 */
export class EventFeed {
  readonly #store: Store;
  readonly #queues = new Set<EventQueue<StoredEvent | Reset>>();
  readonly #closing = new AbortController();
  #following: Following | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  get readers(): number {
    return this.#queues.size;
  }

  /** Ends all readers, those to come too. */
  close(): void {
    this.#closing.abort();
  }

  /**
   * What happens from now on; with the position of an event as text, first what has happened since then.
   * @throws {Unavailable} when the database can't be reached
   */
  async *read(
    lastEventId: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<Beginning | StoredEvent | Reset, void> {
    const ended = AbortSignal.any([signal, this.#closing.signal]);
    const queue = new EventQueue<StoredEvent | Reset>(longestQueue, ended);
    this.#queues.add(queue);
    try {
      let position = lastEventId === undefined ? undefined : parsePosition(lastEventId);
      if (position === undefined) {
        await this.#join(queue);
        // The feed may be behind a little: what it has yet to tell is no news for a reader that begins now.
        position = await presentPosition(this.#store.db);
        if (lastEventId === undefined) yield { event: 'beginning', position };
        else yield { event: 'reset', data: {}, position };
      } else {
        position = yield* this.#catchUp(position, (await this.#join(queue)).from);
      }
      while (!ended.aborted) {
        for await (const event of queue.read()) {
          if (event.event !== 'reset' && covers(position, event.place)) continue;
          position = event.position;
          yield event;
        }
        if (!ended.aborted) position = yield* this.#catchUp(position, (await this.#join(queue)).from);
      }
    } finally {
      this.#queues.delete(queue);
      if (this.#queues.size === 0) {
        this.#following?.stop();
        this.#following = undefined;
      }
    }
  }

  /** Lets the queue have all that comes after the position that is returned. */
  async #join(queue: EventQueue<StoredEvent | Reset>): Promise<EventPosition> {
    this.#following ??= new Following(this.#store, (events) => {
      for (const each of this.#queues) each.push(events);
    });
    const following = this.#following;
    try {
      await following.begun;
    } catch (error) {
      if (this.#following === following) this.#following = undefined;
      throw error;
    }
    queue.open();
    return following.position;
  }

  /** What comes after the position and before those events that the queue gets. */
  async *#catchUp(
    position: EventPosition,
    upTo: Snapshot,
  ): AsyncGenerator<StoredEvent | Reset, EventPosition> {
    for (let from = position; ; ) {
      const page = await readEvents(this.#store.db, from, upTo);
      if (page.isLost) {
        yield { event: 'reset', data: {}, position: page.position };
        return page.position;
      }
      yield* page.events;
      if (!page.more) return page.position;
      from = page.position;
    }
  }
}

/** Reads events as they come, from the present on, until it is stopped. */
class Following {
  /** Resolves once there is a position. */
  readonly begun: Promise<void>;
  readonly #store: Store;
  readonly #publish: (events: readonly (StoredEvent | Reset)[]) => void;
  readonly #stopping = new AbortController();
  #position: EventPosition | undefined;
  #isAwake = false;
  #wake: () => void = () => {};

  constructor(store: Store, publish: (events: readonly (StoredEvent | Reset)[]) => void) {
    this.#store = store;
    this.#publish = publish;
    this.begun = this.#begin();
  }

  /** All that has been published is before it, and nothing else. */
  get position(): EventPosition {
    if (this.#position === undefined) throw new Error('it has not begun yet');
    return this.#position;
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #begin(): Promise<void> {
    this.#position = await presentPosition(this.#store.db);
    const { signal } = this.#stopping;
    const wake = () => {
      this.#isAwake = true;
      this.#wake();
    };
    signal.addEventListener('abort', wake, { once: true });
    void listen(this.#store.options, wake, signal);
    void this.#follow(signal);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#isAwake = false;
      // The database may be away: it is asked again, soon.
      const more = await this.#advance(signal).catch(() => undefined);
      if (more === true) continue;
      await setTimeout(shortestPause);
      await this.#sleep(more === undefined ? 1000 : longestPause);
    }
  }

  /** @returns whether there is more to read at once */
  async #advance(signal: AbortSignal): Promise<boolean> {
    const page = await readEvents(this.#store.db, this.position);
    if (signal.aborted) return false;
    this.#position = page.position;
    if (!page.isLost) {
      this.#publish(page.events);
      return page.more;
    }
    this.#publish([{ event: 'reset', data: {}, position: page.position }]);
    return true;
  }

  async #sleep(milliseconds: number): Promise<void> {
    if (this.#isAwake) return;
    const waking = new AbortController();
    this.#wake = () => waking.abort();
    await setTimeout(milliseconds, undefined, { signal: waking.signal, ref: false }).catch(() => {});
    this.#wake = () => {};
  }
}
