import type { IncomingMessage } from 'node:http';

const redirects = new Set([301, 302, 303, 307, 308]);

export const isRedirect = (status: number): boolean => redirects.has(status);

/** A path with a trailing `/`, or without. */
export type Spelling = 'slash' | 'plain';

/**
 * How a server wants its paths. Knitfab takes both spellings (spec page 2), but what stands before it may know only one: a
 * proxy that sends on to the other, or answers that there is no such thing.
 */
export class PathSpelling {
  #known: Spelling | undefined;

  /** The spelling to use; `plain` until the server is known. */
  get preferred(): Spelling {
    return this.#known ?? 'plain';
  }

  /** The server has understood a path that was spelt so. */
  settle(spelling: Spelling): void {
    this.#known = spelling;
  }

  /** Whether an answer may come from the wrong spelling. */
  mayBeWrong({ statusCode = 0, headers }: IncomingMessage, path: string): boolean {
    if (isRedirect(statusCode)) return isOtherSpelling(headers.location, path);
    return this.#known === undefined && isNotFound(statusCode);
  }
}

export const isNotFound = (status: number): boolean => status === 404 || status === 405;

export const otherSpelling = (spelling: Spelling): Spelling => (spelling === 'slash' ? 'plain' : 'slash');

/** The path, which has no trailing `/`, with its query. */
export const spelt = (path: string, spelling: Spelling): string =>
  spelling === 'slash' ? path.replace(/(\?|$)/, '/$1') : path;

/** Whether a redirect leads to the same path but for a trailing `/`, on whatever host the server takes itself for. */
function isOtherSpelling(location: string | undefined, path: string): boolean {
  const target = location === undefined ? null : URL.parse(location, 'http://server')?.pathname;
  const source = URL.parse(path, 'http://server')?.pathname;
  if (!target || !source) return false;
  return target.replace(/\/$/, '').endsWith(source);
}
