import type { ItemPage, PageQuery } from '@knitfab/api';
import type { Command } from 'commander';
import type { LimitOptions } from './options/limit.ts';
import { type ListOutput, note, printList } from './output/print.ts';

/** The most items that one answer holds where only some are wanted. */
const largestPage = 1000;

/** What to find: from which list, which of its items, and how many. */
export interface Search<Item> {
  readonly page: (query: PageQuery) => Promise<ItemPage<Item>>;
  readonly fits?: (item: Item) => boolean;
  readonly part: LimitOptions;
}

/** Writes what is found as it arrives, and says when there is more than was wanted. */
export async function printFound<Item>(
  command: Command,
  search: Search<Item>,
  output: ListOutput<Item>,
): Promise<void> {
  const { limit, last } = search.part;
  const part = last === undefined ? firstOf(limit, everyItem(search)) : lastOf(last, everyItem(search));
  await printList(command, part.items, output);
  if (!part.hasMore()) return;
  note(
    last === undefined
      ? `There are more than these ${limit}: raise --limit, or leave it out.`
      : `There are more before these ${last}: raise --last, or leave it out.`,
  );
}

/**
 * All items that fit: in one answer, which is one moment's view of the list; page by page where only the first are
 * wanted, so that the server need not look for the others.
 */
async function* everyItem<Item>({
  page,
  fits = () => true,
  part: { limit },
}: Search<Item>): AsyncGenerator<Item, void> {
  // One more than is wanted tells whether there is more.
  const size = limit === undefined ? {} : { limit: String(Math.min(limit + 1, largestPage)) };
  let cursor: string | undefined;
  do {
    const { items, next } = await page({ ...size, ...(cursor !== undefined && { cursor }) });
    for await (const item of items) if (fits(item)) yield item;
    cursor = next;
  } while (cursor !== undefined);
}

/** Some of a list's items; once they are read, `hasMore` tells whether there are others. */
interface Part<Item> {
  readonly items: AsyncGenerator<Item, void>;
  readonly hasMore: () => boolean;
}

function firstOf<Item>(wanted: number | undefined, all: AsyncIterable<Item>): Part<Item> {
  let count = 0;
  let hasMore = false;
  async function* items(): AsyncGenerator<Item, void> {
    for await (const item of all) {
      hasMore = count === wanted;
      if (hasMore) return;
      count++;
      yield item;
    }
  }
  return { items: items(), hasMore: () => hasMore };
}

/** The API's lists have no end to begin with: all are read, and no more than are wanted are kept. */
function lastOf<Item>(wanted: number, all: AsyncIterable<Item>): Part<Item> {
  let count = 0;
  async function* items(): AsyncGenerator<Item, void> {
    const kept: Item[] = [];
    for await (const item of all) kept[count++ % wanted] = item;
    for (let index = Math.max(0, count - wanted); index < count; index++) yield kept[index % wanted] as Item;
  }
  return { items: items(), hasMore: () => count > wanted };
}
