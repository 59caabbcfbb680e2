import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/embedded/index.ts';
import { readPidFile } from '../../src/embedded/pid-file.ts';

/** A place for a database that is gone after the test, its server too. */
export async function temporaryHome(folder = 'db'): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'knit-embedded-'));
  const home = join(parent, folder);
  onTestFinished(async () => {
    const server = await readPidFile(join(home, 'data')).catch(() => undefined);
    if (server !== undefined) await start({ directory: home }).then((left) => left.stop('immediate'));
    await rm(parent, { recursive: true, force: true, maxRetries: 10 });
  });
  return home;
}

export const start = (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> =>
  startEmbeddedPostgres(options);

/** Runs one statement on a connection of its own. */
export async function query(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

export const isRoot = process.geteuid?.() === 0;
