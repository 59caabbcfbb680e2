import { Socket } from 'node:net';
import type { RunStatus } from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import pg from 'pg';
import type { Connection, ConnectionOptions, Tx } from './database.ts';

/**
 * What has changed: Runs that came into a status, tags of Data, inputs to nominate to, nominations to project, volumes to destroy,
 * spare volumes to make.
 */
export type Topic =
  | `run:${RunStatus}`
  | 'data'
  | 'nomination-backlog'
  | 'nomination'
  | 'garbage'
  | 'spare-volume';

const channel = 'knit';

/** Tells all listeners, once the transaction has committed. Several of one topic in one transaction are one. */
export async function notify(tx: Tx | Connection, topic: Topic): Promise<void> {
  await sql`select ${notification(topic)}`.execute(tx);
}

/** The same as a part of another statement, for each row that it is evaluated for. */
export const notification = (topic: Topic): RawBuilder<void> => sql`pg_notify(${channel}, ${topic})`;

/**
 * Listens until the signal aborts, and asks the database now and then whether it is still there (milliseconds). A broken connection is made again, with growing pauses; `onTopic` is then called with
 * `undefined`, for anything may have happened meanwhile.
 */
export async function listen(
  options: ConnectionOptions,
  onTopic: (topic: Topic | undefined) => void,
  signal: AbortSignal,
  askEvery = 60_000,
): Promise<void> {
  for (let pause = 100; !signal.aborted; pause = Math.min(pause * 2, 5000)) {
    const socket = new Socket();
    const client = new pg.Client({ ...options, stream: () => socket });
    const asking = setInterval(() => breakUnlessAnswered(client, socket, askEvery), askEvery);
    asking.unref();
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
    clearInterval(asking);
    // A silent one would not come to its end.
    const given = setTimeout(() => socket.destroy(), 1000);
    await client.end().catch(() => {});
    clearTimeout(given);
    if (!signal.aborted) await delay(pause, signal);
  }
}

/** Who only listens can't tell silence from a connection that is none any more: it has to ask. */
function breakUnlessAnswered(client: pg.Client, socket: Socket, milliseconds: number): void {
  const broken = setTimeout(() => socket.destroy(), milliseconds / 2);
  const answered = () => clearTimeout(broken);
  client.query('select').then(answered, answered);
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
