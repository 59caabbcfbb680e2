/** A list that is read item by item, as it arrives; whoever stops early reads no further. */
export interface ItemPage<Item> {
  readonly items: AsyncIterable<Item>;
  /** The cursor to ask for what follows with; undefined at the end, and from a server that knows no pages. */
  readonly next: string | undefined;
}

/** The cursor in a `Link` header whose relation is `next` (RFC 8288). */
export function nextCursor(link: string | readonly string[] | undefined): string | undefined {
  const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next\b/i.exec([link ?? []].flat().join(', ')) ?? [];
  return target === undefined
    ? undefined
    : (new URL(target, 'http://server').searchParams.get('cursor') ?? undefined);
}
