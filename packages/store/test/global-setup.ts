import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres } from '../src/embedded/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Home of the PostgreSQL server that all test files of one run share; the first that needs it starts it. */
    databaseDirectory: string;
    /** How the names of this run's databases begin. */
    databasePrefix: string;
  }
}

/** Names the place of the test run's database server, and clears it away at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'knit-test-'));
  const prefix = `knit_test_${randomBytes(4).toString('hex')}_`;
  project.provide('databaseDirectory', directory);
  project.provide('databasePrefix', prefix);
  return async () => {
    if (process.env.DATABASE_URL) await dropDatabases(process.env.DATABASE_URL, prefix);
    if (existsSync(join(directory, 'data'))) {
      const server = await startEmbeddedPostgres({ directory });
      await server.stop('immediate');
    }
    await rm(directory, { recursive: true, force: true });
  };
}

async function dropDatabases(server: string, prefix: string): Promise<void> {
  const connection = new Client({ connectionString: server });
  await connection.connect();
  try {
    const { rows } = await connection.query<{ datname: string }>(
      'select datname from pg_database where starts_with(datname, $1)',
      [prefix],
    );
    for (const { datname } of rows) await connection.query(`drop database if exists ${datname} with (force)`);
  } finally {
    await connection.end();
  }
}
