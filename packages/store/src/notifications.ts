import type { RunStatus } from '@knitfab/core';
import { sql } from 'kysely';
import pg from 'pg';
import type { Connection, ConnectionOptions, Tx } from './database.ts';

/** What has changed: Runs that came into a status, tags of Data, inputs to nominate to, nominations to project, volumes to destroy. */
export type Topic = `run:${RunStatus}` | 'data' | 'nomination-backlog' | 'nomination' | 'garbage';

const channel = 'knit';

/** Tells all listeners, once the transaction has committed. Several of one topic in one transaction are one. */
export async function notify(tx: Tx | Connection, topic: Topic): Promise<void> {
  await sql`select pg_notify(${channel}, ${topic})`.execute(tx);
}

/**
 * Listens until the signal aborts. A broken connection is made again, with growing pauses; `onTopic` is then called with
 * `undefined`, for anything may have happened meanwhile.
 */
export async function listen(
  options: ConnectionOptions,
  onTopic: (topic: Topic | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let pause = 100; !signal.aborted; pause = Math.min(pause * 2, 5000)) {
    const client = new pg.Client(options);
    const broken = new Promise<void>((resolve) => {
      client.on('error', () => resolve()); // a broken connection may say so more than once
      client.once('end', () => resolve());
      signal.addEventListener('abort', end, { once: true });
      function end() {
        resolve();
      }
      client.once('end', () => signal.removeEventListener('abort', end));
    });
    try {
      await client.connect();
      client.on('notification', ({ payload }) => onTopic(payload as Topic));
      await client.query(`listen ${channel}`);
      onTopic(undefined);
      pause = 100;
      await broken;
    } catch {
      // The database is away: the loop around tries again.
    }
    await client.end().catch(() => {});
    if (!signal.aborted) await delay(pause, signal);
  }
}

function delay(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
