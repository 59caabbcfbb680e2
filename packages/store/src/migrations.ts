import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { Conflict, Unavailable } from '@knitfab/core';
import { type ClientBase, Pool } from 'pg';
import { locks } from './locks.ts';
import { mayBeSilent } from './silent-connection.ts';

/** One step forward of the schema: a file `NNNN_name.sql`, applied in one transaction. */
export interface Migration {
  /** 1 for the first, and no gaps. */
  readonly version: number;
  readonly name: string;
  /** Any number of statements, but none that begins or ends a transaction. */
  readonly sql: string;
}

const folder = new URL('../migrations/', import.meta.url);

/** The migrations that this program brings, in order. */
export async function knownMigrations(): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file, index) => {
      const [, version, name] = /^(\d{4})_(\w+)\.sql$/.exec(file) ?? [];
      if (Number(version) !== index + 1 || name === undefined) {
        throw new Error(
          `the migration ${file} should be named ${String(index + 1).padStart(4, '0')}_name.sql`,
        );
      }
      return { version: index + 1, name, sql: await readFile(new URL(file, folder), 'utf8') };
    }),
  );
}

/**
 * Brings the schema of a database forward to the newest version that this program knows: each missing migration in a
 * transaction of its own. Any number of processes may do so at once.
 * @returns the version
 * @throws {Conflict} when the database is of a newer version, or was made by other migrations than these
 * @throws {Unavailable} when a migration fails; the database keeps the version before it
 */
export async function migrate(
  database: Pool | ClientBase,
  migrations?: readonly Migration[],
): Promise<number> {
  const known = migrations ?? (await knownMigrations());
  if (!(database instanceof Pool)) return migrateAll(database, known);
  const connection = await database.connect();
  // A table may be large; the connection is not used again.
  mayBeSilent(connection);
  try {
    return await migrateAll(connection, known);
  } finally {
    connection.release(true);
  }
}

/** The version of a database's schema: 0 when it has none. */
export async function schemaVersion(database: Pool | ClientBase): Promise<number> {
  const { rows } = await database.query<{ exists: boolean }>(
    `select to_regclass('schema_version') is not null as exists`,
  );
  if (rows[0]?.exists !== true) return 0;
  const { rows: versions } = await database.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from schema_version',
  );
  return versions[0]?.version ?? 0;
}

async function migrateAll(connection: ClientBase, known: readonly Migration[]): Promise<number> {
  while (await migrateOnce(connection, known));
  return known.length;
}

/** Applies the first migration that is missing; false when none is. */
async function migrateOnce(connection: ClientBase, known: readonly Migration[]): Promise<boolean> {
  await connection.query('begin');
  try {
    await connection.query('select pg_advisory_xact_lock($1)', [locks.migrations]);
    const applied = await appliedMigrations(connection);
    checkHistory(applied, known);
    const next = known[applied.length];
    if (next !== undefined) await apply(connection, next);
    await connection.query('commit');
    return next !== undefined;
  } catch (error) {
    // A connection that is lost can't roll back, and needn't; the first error is the one to tell.
    await connection.query('rollback').catch(() => undefined);
    throw error;
  }
}

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

async function appliedMigrations(connection: ClientBase): Promise<Applied[]> {
  if ((await schemaVersion(connection)) === 0) {
    await connection.query(`create table if not exists schema_version (
      version integer primary key,
      name text not null,
      checksum text not null,
      applied_at timestamptz not null default now()
    )`);
  }
  const { rows } = await connection.query<Applied>(
    'select version, name, checksum from schema_version order by version',
  );
  return rows;
}

function checkHistory(applied: readonly Applied[], known: readonly Migration[]): void {
  if (applied.length > known.length) {
    throw new Conflict({
      reason: `the database was made by a newer version of this program: its schema is version ${applied.length}, and this program knows up to ${known.length}`,
      advice: 'Update this program.',
    });
  }
  const changed = applied.find(({ checksum }, index) => checksum !== checksumOf(known[index]?.sql ?? ''));
  if (changed !== undefined) {
    throw new Conflict({
      reason: `the database was made by another build of this program: its migration ${changed.version} (${changed.name}) is not the one of this program`,
      advice: 'Use the program that made it, or start with an empty database.',
    });
  }
}

async function apply(connection: ClientBase, { version, name, sql }: Migration): Promise<void> {
  try {
    await connection.query(sql);
  } catch (cause) {
    throw new Unavailable({
      reason: `the database could not be brought to version ${version} (${name}): ${(cause as Error).message}`,
      advice: 'It is still of the version before; remove the cause and start again.',
      cause,
    });
  }
  await connection.query('insert into schema_version (version, name, checksum) values ($1, $2, $3)', [
    version,
    name,
    checksumOf(sql),
  ]);
}

/** SHA-256, the same whichever line ends the files were checked out with. */
const checksumOf = (sql: string): string =>
  createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex');
