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
  /** About how many bytes each of them takes beside what all take. */
  bytes(tx: Tx, ids: readonly Id[]): Promise<number[]>;
  /** The cursor of what comes after this one. */
  cursorAfter(item: Item): string;
}

/** A list of up to so many is answered at once, a longer one in pieces; and so is one of many bytes. */
const shortList = 500;

/** What is in memory at once takes about so much; more only where a single thing does. */
const pieceBytes = 4 * 1024 * 1024;

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
  serveBytes(app, endpoint, async ({ query, request, reply }) => {
    const isWhole = query.limit === undefined;
    const found = await snapshot(db, async (tx) => {
      const page = await pageOf(list, tx, query, query.limit ?? shortList);
      const isLong = isWhole && !page.isLast;
      const [first = [], ...others] = isLong ? [] : await pieces(list, tx, page.ids);
      return isLong || others.length > 0 ? undefined : { ...page, items: await list.details(tx, first) };
    });
    if (found === undefined) {
      return inTurn(async () => {
        // The reader may have gone away while it waited for its turn.
        if (request.raw.destroyed) return;
        await snapshot(db, (tx) => answerInPieces(list, tx, query, request, reply));
      });
    }
    const last = found.items.at(-1);
    if (!isWhole && !found.isLast && last !== undefined) reply.header('link', linkAfter(list, last, request));
    return reply.type(json).send(JSON.stringify(found.items));
  });
}

/** The ids of a page, and whether it is the last. */
async function pageOf<Filter, Id, Item>(
  list: List<Filter, Id, Item>,
  tx: Tx,
  filter: Filter,
  limit: number,
): Promise<{ ids: Id[]; isLast: boolean }> {
  const ids = await list.find(tx, { ...filter, limit: limit + 1 });
  return { ids: ids.slice(0, limit), isLast: ids.length <= limit };
}

/** Parts of the list that are in memory one after the other. */
async function pieces<Id>(list: List<never, Id, unknown>, tx: Tx, ids: readonly Id[]): Promise<Id[][]> {
  const bytes = ids.length > 1 ? await list.bytes(tx, ids) : [];
  const result: Id[][] = [];
  let left = 0;
  ids.forEach((id, index) => {
    left -= bytes[index] ?? 0;
    const piece = result.at(-1);
    if (piece !== undefined && left >= 0) piece.push(id);
    else {
      result.push([id]);
      left = pieceBytes - (bytes[index] ?? 0);
    }
  });
  return result;
}

/** The header `Link` that leads to what comes after an item. */
const linkAfter = <Item>(list: List<never, unknown, Item>, item: Item, request: FastifyRequest): string =>
  `<${nextPage(request.url, list.cursorAfter(item))}>; rel="next"`;

/** The request's own address with another cursor, as a relative reference. */
function nextPage(url: string, cursor: string): string {
  const { pathname, searchParams } = new URL(url, 'http://server');
  searchParams.set('cursor', cursor);
  return `${pathname.replace(/\/$/, '')}?${searchParams}`;
}

/** Writes a list as its reader takes it. One that fails on the way breaks the connection, which is how the reader notices. */
async function answerInPieces<Filter extends Paging<unknown>, Id, Item>(
  list: List<Filter, Id, Item>,
  tx: Tx,
  filter: Filter,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { limit } = filter;
  const page = limit === undefined ? undefined : await pageOf(list, tx, filter, limit);
  const [last] = page === undefined || page.isLast ? [] : await list.details(tx, page.ids.slice(-1));
  if (request.raw.destroyed) return;
  reply.hijack();
  const answer = reply.raw;
  try {
    const link = last === undefined ? {} : { link: linkAfter(list, last, request) };
    answer.writeHead(200, { 'content-type': json, ...link });
    let separator = '[';
    for await (const ids of page === undefined ? list.findInBatches(tx, filter) : [page.ids]) {
      for (const piece of await pieces(list, tx, ids)) {
        const items = await list.details(tx, piece);
        await taken(answer, separator + items.map((item) => JSON.stringify(item)).join());
        separator = ',';
      }
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
