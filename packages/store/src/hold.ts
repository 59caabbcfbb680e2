import pg from 'pg';
import type { ConnectionOptions } from './database.ts';
import { locks } from './locks.ts';

export interface DatabaseHold {
  /** Resolves when the database went away and, once it was back, somebody else had taken it. */
  readonly lost: Promise<void>;
  /** The database is about to be stopped: nothing is to be taken again. */
  expectEnd(): void;
  release(): Promise<void>;
}

/**
 * Takes the database for this process, on a connection that is kept: whatever ends the process ends the hold.
 * @returns undefined when somebody else has it
 */
export async function holdDatabase(options: ConnectionOptions): Promise<DatabaseHold | undefined> {
  let released = false;
  let client = await take(options);
  if (client === undefined) return undefined;
  const { promise: lost, resolve } = Promise.withResolvers<void>();
  const keep = (held: pg.Client) => {
    held.once('end', () => {
      if (!released) void retake();
    });
  };
  /** After the database went away, the lock is taken again. */
  async function retake(): Promise<void> {
    for (let pause = 50; !released; pause = Math.min(pause * 2, 1000)) {
      try {
        client = await take(options);
        if (client === undefined) return resolve();
        return keep(client);
      } catch {
        await new Promise((wake) => setTimeout(wake, pause).unref());
      }
    }
  }
  keep(client);
  return {
    lost,
    expectEnd() {
      released = true;
    },
    async release() {
      released = true;
      await client?.end().catch(() => {});
    },
  };
}

async function take(options: ConnectionOptions): Promise<pg.Client | undefined> {
  const client = new pg.Client(options);
  client.on('error', () => {}); // 'end' follows
  let isTaken = false;
  try {
    await client.connect();
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [
      locks.hold,
    ]);
    isTaken = rows[0]?.taken === true;
    return isTaken ? client : undefined;
  } finally {
    // A connection that is forgotten could hold the lock.
    if (!isTaken) await client.end().catch(() => {});
  }
}
