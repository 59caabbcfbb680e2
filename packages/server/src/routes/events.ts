import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { endpoints } from '@knitfab/api';
import { type EventFeed, formatPosition } from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import { serveBytes } from '../serve.ts';

/** How often a reader hears something, so that neither it nor a proxy takes the connection for dead. */
const heartbeatMilliseconds = 15_000;

const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would keep events back until it has enough of them.
  'x-accel-buffering': 'no',
};

type Told = ReturnType<EventFeed['read']> extends AsyncGenerator<infer Item, void> ? Item : never;

/** `/api/events` (spec page 2, "New in this implementation"; WHATWG HTML, "Server-sent events"). */
export function eventRoutes(app: FastifyInstance, feed: EventFeed): void {
  // Readers never end by themselves: the server would wait for them.
  app.addHook('preClose', async () => feed.close());

  serveBytes(app, endpoints.followEvents, async ({ request, reply, query }) => {
    const header = request.headers['last-event-id'];
    const lastEventId = (Array.isArray(header) ? header[0] : header) || query.lastEventId;
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const events = feed.read(lastEventId, gone.signal);
    // What goes wrong at the beginning is answered as such; later on the connection breaks, and the reader comes back.
    const first = lastEventId === undefined ? await events.next() : undefined;
    reply.hijack();
    const answer = reply.raw;
    answer.writeHead(200, headers);
    answer.write(': these are events\n\n');
    const heartbeat = setInterval(() => {
      if (!answer.writableNeedDrain) answer.write(':\n\n');
    }, heartbeatMilliseconds);
    try {
      if (first?.value) await send(answer, first.value, gone.signal);
      for await (const event of events) await send(answer, event, gone.signal);
      answer.end();
    } catch (error) {
      if (!gone.signal.aborted) request.log.warn({ err: error }, 'a reader of events was broken off');
      answer.destroy();
    } finally {
      clearInterval(heartbeat);
      await events.return();
    }
  });
}

/** Sends an event, and waits until the reader has room for more. */
async function send(answer: ServerResponse, event: Told, signal: AbortSignal): Promise<void> {
  if (!answer.write(written(event))) await once(answer, 'drain', { signal });
}

/** An event as text, made once for all its readers. */
function written(event: Told): string {
  const known = texts.get(event);
  if (known !== undefined) return known;
  const id = `id: ${formatPosition(event.position)}\n\n`;
  const text =
    event.event === 'beginning' ? id : `event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n${id}`;
  texts.set(event, text);
  return text;
}

const texts = new WeakMap<Told, string>();
