import { Unavailable } from '@knitfab/core';
import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { migrate } from './migrations.ts';
import type { Database } from './schema.ts';
import { abandonedSessions, breakWhenSilent, longestSilence } from './silent-connection.ts';

/** Where the database is: a `postgres://` address, or the parts of one. */
export type ConnectionOptions = pg.PoolConfig;

export type Connection = Kysely<Database>;
export type Tx = Transaction<Database>;

/** The type of `bigint[]` (pg_type.dat). */
const int8Array = 1016;

// bigint columns are identities and counts, far below 2^53.
const types: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (oid === pg.types.builtins.INT8) return Number;
    if (Number(oid) === int8Array)
      return (text: string) => text.slice(1, -1).split(',').filter(Boolean).map(Number);
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

/** A pool of connections, and what makes single ones for listening. */
export interface Store {
  readonly db: Connection;
  readonly options: ConnectionOptions;
  /** Brings the schema forward to the newest version; see migrations.ts for what may go wrong. */
  migrate(): Promise<void>;
  close(): Promise<void>;
}

/**
 * All statements are chains of look-ups into indexes, however many rows they are for. The planner would now and then do
 * otherwise: where its statistics are old or missing (just after a bulk load), it takes some few ids for a good part of a
 * table, and reads the whole of it. Nothing here is ever the better for that: see bench/query-plans.ts.
 */
const alwaysByIndex = ['seqscan', 'hashjoin', 'mergejoin'].map((way) => `-c enable_${way}=off`).join(' ');

/** Opens a pool on the database; connections are made when they are needed. */
export function openStore(
  options: ConnectionOptions,
  poolSize = 24,
  silenceMilliseconds = longestSilence,
): Store {
  const complete: ConnectionOptions = {
    application_name: 'knitfab',
    connectionTimeoutMillis: 10_000,
    options: `${alwaysByIndex} ${abandonedSessions}`,
    keepAlive: true,
    keepAliveInitialDelayMillis: 15_000,
    ...options,
    types,
  };
  const pool = new pg.Pool({
    ...complete,
    max: poolSize,
    idleTimeoutMillis: 30_000,
  });
  // A connection that breaks while idle is replaced by the pool; whoever uses one sees the error at its query. An 'error'
  // that nobody listens to would end the process.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    client.on('error', () => {});
    breakWhenSilent(client, silenceMilliseconds);
  });
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    options: complete,
    async migrate() {
      try {
        await migrate(pool);
      } catch (error) {
        throw translated(error);
      }
    },
    async close() {
      await db.destroy();
      // Kysely leaves a pool alone through which it has not asked for anything.
      if (!pool.ended) await pool.end();
    },
  };
}

/**
 * Runs `work` in a transaction that sees each statement's latest state (READ COMMITTED). It may be run again.
 * @throws {Unavailable} when the database can't be reached
 */
export async function transaction<Result>(
  db: Connection,
  work: (tx: Tx) => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      if (!isPassing(error) || tries === maxTries) throw translated(error);
    }
  }
}

const maxTries = 5;

/**
 * Whether another try will see what was in the way: a deadlock that PostgreSQL has ended (40P01), or a row that another
 * transaction has deleted since this one saw it, referred to by a foreign key (23503).
 */
const isPassing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === '40P01' || error.code === '23503');

/**
 * Asks the database for an answer, any.
 * @throws {Unavailable} when there is none
 */
export async function reachDatabase(db: Connection): Promise<void> {
  await snapshot(db, (tx) => sql`select`.execute(tx));
}

/** Runs read-only `work` on one snapshot, so that its queries agree with each other. */
export async function snapshot<Result>(db: Connection, work: (tx: Tx) => Promise<Result>): Promise<Result> {
  try {
    return await db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(work);
  } catch (error) {
    throw translated(error);
  }
}

/** Class 08: connection exceptions; 57P0x: the server is going down or coming up; 53: out of disk, memory, connections; 25006: it
 * only reads, after a failover; 28: it does not let us in. */
const unavailableStates = /^(08...|57P0[1-5]|53...|25006|25P03|28...)$/;
const unavailableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
]);

/** Turns the database's own failures into `Unavailable`; other errors come back as they are. */
export function translated(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const gone =
    unavailableStates.test(code) ||
    unavailableCodes.has(code) ||
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      error.message,
    );
  if (!gone) return error;
  return new Unavailable({
    reason:
      code === '53100'
        ? 'the database has no disk space left'
        : `the database can't be reached: ${error.message}`,
    advice:
      code === '53100'
        ? 'Free some space, then try again.'
        : 'Try again; if it stays so, look at the log of the server and of its PostgreSQL.',
    cause: error,
  });
}
