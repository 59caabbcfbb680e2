import { Conflict } from '@knitfab/core';
import { sql } from 'kysely';
import { type Connection, translated } from './database.ts';
import { knownMigrations } from './migrations.ts';

/**
 * Compares the database's schema with the one that this program knows.
 * @returns whether it is that one; false while it is older: somebody else brings it forward
 * @throws {Conflict} when it is newer
 * @throws {Unavailable} when the database can't be reached
 */
export async function isSchemaCurrent(db: Connection): Promise<boolean> {
  const known = (await knownMigrations()).length;
  const version = await schemaVersionOf(db);
  if (version > known) {
    throw new Conflict({
      reason: `the database is of a newer version than this program: its schema is version ${version}, and this program knows up to ${known}`,
      advice: 'Use the image of the version that made it.',
    });
  }
  return version === known;
}

async function schemaVersionOf(db: Connection): Promise<number> {
  try {
    const { rows } = await sql<{ version: number }>`
      select coalesce(max(version), 0) as version from schema_version`.execute(db);
    return rows[0]?.version ?? 0;
  } catch (error) {
    if ((error as { code?: string }).code === undefinedTable) return 0;
    throw translated(error);
  }
}

/** PostgreSQL, "Error Codes": the database has no schema yet. */
const undefinedTable = '42P01';
