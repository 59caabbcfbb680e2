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
  let held = await take(options);
  if (held === undefined) return undefined;
  const { promise: lost, resolve } = Promise.withResolvers<void>();
  const keep = (session: Session) => {
    session.client.once('end', () => {
      if (!released) void retake(session);
    });
  };
  /** After the database or the connection to it went away, the lock is taken again. */
  async function retake(former: Session): Promise<void> {
    for (let pause = 50; !released; pause = Math.min(pause * 2, 1000)) {
      try {
        held = await take(options, former);
        if (held === undefined) return resolve();
        return keep(held);
      } catch {
        await new Promise((wake) => setTimeout(wake, pause).unref());
      }
    }
  }
  keep(held);
  return {
    lost,
    expectEnd() {
      released = true;
    },
    async release() {
      released = true;
      await held?.client.end().catch(() => {});
    },
  };
}

/** A connection that holds the lock, and what the database calls it. */
interface Session {
  readonly client: pg.Client;
  readonly pid: number;
  readonly since: string;
}

/** How long the database may take to end a session, in milliseconds. */
const endMilliseconds = 5000;

/**
 * @param former one that has broken off: the database may not have noticed yet, and is told, lest it be taken for somebody else
 * @returns undefined when somebody else has the lock
 */
async function take(options: ConnectionOptions, former?: Session): Promise<Session | undefined> {
  const client = new pg.Client(options);
  client.on('error', () => {}); // 'end' follows
  let isTaken = false;
  try {
    await client.connect();
    if (former !== undefined) {
      // A number is given to other sessions later, but not one that began at the same moment.
      await client.query(
        'select pg_terminate_backend(pid, $3) from pg_stat_activity where pid = $1 and backend_start::text = $2',
        [former.pid, former.since, endMilliseconds],
      );
    }
    const { rows } = await client.query<{ taken: boolean; pid: number; since: string }>(
      `select pg_try_advisory_lock($1) as taken, pid, backend_start::text as since
       from pg_stat_activity where pid = pg_backend_pid()`,
      [locks.hold],
    );
    const [session] = rows;
    isTaken = session?.taken === true;
    return isTaken && session !== undefined ? { client, pid: session.pid, since: session.since } : undefined;
  } finally {
    // A connection that is forgotten could hold the lock.
    if (!isTaken) await client.end().catch(() => {});
  }
}
