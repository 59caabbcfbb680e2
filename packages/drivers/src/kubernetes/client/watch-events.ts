import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import { Unavailable } from '@knitfab/core';
import { apiError } from './api-error.ts';
import type { KubernetesObject } from './resource-type.ts';

/** Source: Kubernetes API concepts, "Efficient detection of changes". A bookmark's object has a resource version and nothing else. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/**
 * How long one watch lasts. A server that died without a word is noticed at the end of it, and to go on costs one request.
 */
const lastingSeconds = 50;
const lateSeconds = 10;

type Open = (
  query: Record<string, string | number | boolean>,
  ended: AbortSignal,
) => Promise<IncomingMessage>;

/** The events of one watch, until the server or the signal ends it. @throws {KnitError} when it breaks off */
export async function* watchEvents<T extends KubernetesObject>(
  open: Open,
  signal?: AbortSignal,
): AsyncGenerator<WatchEvent<T>> {
  const ends = new AbortController();
  const end = () => ends.abort();
  const late = setTimeout(end, (lastingSeconds + lateSeconds) * 1000);
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted) end();
  try {
    const response = await open(
      { watch: true, allowWatchBookmarks: true, timeoutSeconds: lastingSeconds },
      ends.signal,
    );
    for await (const line of lines(response)) yield eventOf<T>(line);
  } catch (error) {
    if (signal?.aborted) return;
    if (ends.signal.aborted)
      throw new Unavailable('the Kubernetes API did not end a watch when it should have');
    throw error;
  } finally {
    clearTimeout(late);
    signal?.removeEventListener('abort', end);
    ends.abort();
  }
}

async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of response) {
    const parts = (rest + decoder.write(chunk)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

/** @throws {KnitError} for an event that says why the watch can't go on */
function eventOf<T>(line: string): WatchEvent<T> {
  let event: { type: string; object: T & { code?: number } };
  try {
    event = JSON.parse(line);
  } catch (error) {
    throw new Unavailable({ reason: 'the Kubernetes API sent an event that is not JSON', cause: error });
  }
  if (event.type === 'ERROR') throw apiError('go on watching', event.object.code ?? 500, event.object);
  return event as WatchEvent<T>;
}
