import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { inject } from 'vitest';
import { startEmbeddedPostgres } from '../src/embedded/index.ts';
import { migrate } from '../src/migrations.ts';

/** Settings for a database that nobody misses after a power cut. */
const unsafeButFast = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** Key of the advisory lock under which the template is made. */
const lockKey = 0x74656d70;

export interface TestDatabaseOptions {
  /** Without any table; else with the newest schema. */
  readonly empty?: boolean;
}

/**
 * Makes a database for the caller alone, on the server that the test run shares (that of `DATABASE_URL` where it is set).
 * It may be called anywhere in a test file; the database is dropped at the end of the run.
 * @returns its URL
 */
export async function freshDatabase({ empty = false }: TestDatabaseOptions = {}): Promise<string> {
  const server = await serverUrl();
  const name = `${inject('databasePrefix')}${randomBytes(8).toString('hex')}`;
  await withConnection(server, async (connection) => {
    const template = empty ? 'template1' : await migratedTemplate(connection, server);
    await connection.query(`create database ${name} template ${template}`);
  });
  return databaseUrl(server, name);
}

async function serverUrl(): Promise<string> {
  if (process.env.DATABASE_URL) return process.env.DATABASE_URL;
  const directory = inject('databaseDirectory');
  return (await startEmbeddedPostgres({ directory, settings: unsafeButFast })).connectionString;
}

/** Copying a database takes less time than migrating a new one. */
async function migratedTemplate(connection: Client, server: string): Promise<string> {
  const name = `${inject('databasePrefix')}template`;
  await connection.query('select pg_advisory_lock($1)', [lockKey]);
  try {
    const { rowCount } = await connection.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) {
      const unfinished = `${name}_unfinished`;
      await connection.query(`drop database if exists ${unfinished}`);
      await connection.query(`create database ${unfinished}`);
      await withConnection(databaseUrl(server, unfinished), migrate);
      await connection.query(`alter database ${unfinished} rename to ${name}`);
    }
  } finally {
    await connection.query('select pg_advisory_unlock($1)', [lockKey]);
  }
  return name;
}

async function withConnection(url: string, work: (connection: Client) => Promise<unknown>): Promise<void> {
  const connection = new Client({ connectionString: url });
  await connection.connect();
  try {
    await work(connection);
  } finally {
    await connection.end();
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}
