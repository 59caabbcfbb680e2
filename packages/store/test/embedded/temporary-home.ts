import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../src/embedded/index.ts';
import { readPidFile } from '../../src/embedded/pid-file.ts';

/**
 * A place for a database.
 * @param whenOver registers what is to be done at the end: `onTestFinished` in a test, or `afterAll` where tests are
 *   defined (within `beforeAll` it does nothing: return what is to be done from there)
 */
export async function temporaryHome(
  whenOver: (clear: () => Promise<void>) => void,
  folder = 'db',
): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'knit-embedded-'));
  const home = join(parent, folder);
  whenOver(async () => {
    await stopServerOf(home);
    await rm(parent, { recursive: true, force: true, maxRetries: 10 });
  });
  return home;
}

/** Stops the server of a place, if there is one. */
export async function stopServerOf(home: string): Promise<void> {
  const left = await readPidFile(join(home, 'data')).catch(() => undefined);
  if (left !== undefined) await (await startEmbeddedPostgres({ directory: home })).stop('immediate');
}

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

/** The directory of a server's socket. */
export const socketDirectoryOf = (connectionString: string): string =>
  new URL(connectionString).searchParams.get('host') ?? '';

export const isRoot = process.geteuid?.() === 0;
