import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Endpoint, Paging } from '@knitfab/api';
import { type Store, snapshot, type Tx } from '@knitfab/store';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import pLimit from 'p-limit';
import type { z } from 'zod';
import { serveBytes } from './serve.ts';

/** A list of the API: how its things are found, shown, and named in a cursor. */
export interface List<Filter, Id, Item> {
  find(tx: Tx, filter: Filter): Promise<Id[]>;
  findInBatches(tx: Tx, filter: Filter): AsyncIterable<Id[]>;
  details(tx: Tx, ids: readonly Id[]): Promise<Item[]>;
  /** The cursor of what comes after this one. */
  cursorAfter(item: Item): string;
}

/** A list of up to so many is answered at once, a longer one in pieces. */
const shortList = 500;

/**
 * How many are answered in pieces at once, of whatever list: each holds a connection and a snapshot for as long as its reader
 * takes, and all that is left of the connections is for everybody else.
 */
const inTurn = pLimit(8);

/** A reader that takes nothing for so long is given up. */
const silenceMilliseconds = 60_000;

const json = 'application/json; charset=utf-8';

/**
 * Serves a list: the page that `limit` and `cursor` ask for, with the next one in the header `Link` (RFC 8288); without a
 * limit all of it, as it was at one moment. However long it is, that takes the memory of a short one.
 */
export function serveList<
  P extends z.ZodType,
  Filter extends Paging<unknown>,
  B extends z.ZodType,
  S extends z.ZodType,
  Id,
  Item,
>(
  app: FastifyInstance,
  endpoint: Endpoint<P, z.ZodType<Filter>, B, S>,
  { db }: Store,
  list: List<Filter, Id, Item>,
): void {
  const page = (filter: Filter, limit: number) =>
    snapshot(db, async (tx) => {
      const ids = await list.find(tx, { ...filter, limit: limit + 1 });
      const items =
        ids.length <= limit || filter.limit !== undefined ? await list.details(tx, ids.slice(0, limit)) : [];
      return { items, isLast: ids.length <= limit };
    });
  serveBytes(app, endpoint, async ({ query, request, reply }) => {
    const { items, isLast } = await page(query, query.limit ?? shortList);
    if (query.limit === undefined && !isLast) {
      return inTurn(async () => {
        // The reader may have gone away while it waited for its turn.
        if (request.raw.destroyed) return;
        await snapshot(db, (tx) => answerInPieces(list, tx, query, request, reply));
      });
    }
    const last = items.at(-1);
    if (!isLast && last !== undefined) {
      reply.header('link', `<${nextPage(request.url, list.cursorAfter(last))}>; rel="next"`);
    }
    return reply.type(json).send(JSON.stringify(items));
  });
}

/** The request's own address with another cursor, as a relative reference. */
function nextPage(url: string, cursor: string): string {
  const { pathname, searchParams } = new URL(url, 'http://server');
  searchParams.set('cursor', cursor);
  return `${pathname.replace(/\/$/, '')}?${searchParams}`;
}

/** Writes a list as its reader takes it. One that fails on the way breaks the connection, which is how the reader notices. */
async function answerInPieces<Filter, Id, Item>(
  list: List<Filter, Id, Item>,
  tx: Tx,
  filter: Filter,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (request.raw.destroyed) return;
  reply.hijack();
  const answer = reply.raw;
  try {
    answer.writeHead(200, { 'content-type': json });
    let separator = '[';
    for await (const ids of list.findInBatches(tx, filter)) {
      const items = await list.details(tx, ids);
      await taken(answer, separator + items.map((item) => JSON.stringify(item)).join());
      separator = ',';
    }
    answer.end(separator === '[' ? '[]' : ']');
  } catch (error) {
    const isUnwanted = answer.destroyed;
    answer.destroy();
    if (!isUnwanted) request.log.warn({ err: error }, 'a list was broken off');
  }
}

/** Writes a piece, and waits until there is room for the next. */
async function taken(answer: ServerResponse, piece: string): Promise<void> {
  if (answer.destroyed) throw new Error('the reader went away');
  if (answer.write(piece)) return;
  const gone = new AbortController();
  const leave = () => gone.abort();
  answer.once('close', leave);
  try {
    await once(answer, 'drain', {
      signal: AbortSignal.any([gone.signal, AbortSignal.timeout(silenceMilliseconds)]),
    });
  } finally {
    answer.off('close', leave);
  }
}
