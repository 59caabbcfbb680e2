import type { IncomingMessage } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import type { EventName, ServerEvent } from '../shapes/event.ts';
import type { Connection } from './connection.ts';
import { ServerError } from './server-error.ts';

export interface EventOptions {
  /** The id of the last event that is known: what has changed since comes first. Without it, from now on. */
  readonly lastEventId?: string;
  /** Ends the events. */
  readonly signal?: AbortSignal;
}

/** The events that this client knows. Their schemas stay out of it: commands that ask one thing would load them in vain. */
const known: Readonly<Record<EventName, true>> = {
  run: true,
  'run-deleted': true,
  data: true,
  'data-deleted': true,
  reset: true,
};

/** The server writes something every 15 s: a connection that says nothing for so long is broken. */
const silenceMilliseconds = 45_000;
const [shortestPause, longestPause] = [250, 10_000];

/**
 * Follows the server's events until the signal aborts. A connection that breaks is made again, after pauses that grow, and goes
 * on where it ended; `reset` comes where that is not possible.
 * @throws what the first connection fails with, and `ServerError` when the server refuses
 */
export async function* eventStream(
  connection: Connection,
  path: string,
  { lastEventId, signal }: EventOptions = {},
): AsyncGenerator<ServerEvent, void> {
  const position = { id: lastEventId };
  let pause = shortestPause;
  let wasConnected = false;
  while (!signal?.aborted) {
    try {
      const answer = await connection.send({
        method: 'GET',
        path,
        accept: 'text/event-stream',
        ...(position.id !== undefined && { headers: { 'last-event-id': position.id } }),
        ...(signal && { signal }),
      });
      wasConnected = true;
      pause = shortestPause;
      answer.setTimeout(silenceMilliseconds, () => answer.destroy());
      for await (const event of eventsOf(connection.bytes(answer), answer, position)) {
        if (signal?.aborted) return;
        yield event;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!wasConnected || !isPassing(error)) throw error;
    }
    // Spread out, lest all clients of a server that has restarted come back at once.
    await setTimeout(pause * (0.5 + Math.random()), undefined, signal && { signal }).catch(() => {});
    pause = Math.min(pause * 2, longestPause);
  }
}

const isPassing = (error: unknown): boolean =>
  !(error instanceof ServerError) || error.status >= 500 || error.status === 429;

/** The events of one connection, as they arrive; notes how far they go. */
async function* eventsOf(
  bytes: AsyncIterable<Buffer>,
  answer: IncomingMessage,
  position: { id: string | undefined },
): AsyncGenerator<ServerEvent, void> {
  let arrived: { event?: string | undefined; data: string; id: string }[] = [];
  let id = position.id ?? '';
  const parser = createParser({
    onId: (given) => {
      id = given;
    },
    onEvent: ({ event, data }) => arrived.push({ event, data, id }),
  });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of bytes) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      const events = arrived;
      arrived = [];
      for (const { event, data, id: eventId } of events) {
        position.id = eventId;
        // Later versions may tell of more.
        if (event !== undefined && Object.hasOwn(known, event))
          yield { event, data: JSON.parse(data), id: eventId } as ServerEvent;
      }
      position.id = id === '' ? position.id : id;
    }
  } finally {
    answer.destroy();
  }
}
