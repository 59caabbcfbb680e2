import { Client, Pool } from 'pg';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { knownMigrations, type Migration, migrate, schemaVersion } from '../src/migrations.ts';
import { freshDatabase } from './database.ts';

const connectionString = await freshDatabase({ empty: true });
const pool = new Pool({ connectionString });
afterAll(() => pool.end());
beforeEach(async () => {
  await pool.query('drop schema public cascade');
  await pool.query('create schema public');
});

const first: Migration = { version: 1, name: 'first', sql: 'create table one (); create table two ();' };
const second: Migration = { version: 2, name: 'second', sql: 'create table three ();' };

async function tables(): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' order by name`,
  );
  return rows.map(({ name }) => name);
}

test('an empty database gets every migration that this program brings', async () => {
  const known = await knownMigrations();
  expect(await schemaVersion(pool)).toBe(0);
  expect(await migrate(pool)).toBe(known.length);
  expect(await schemaVersion(pool)).toBe(known.length);
});

test('only the migrations that are missing are applied, in order', async () => {
  await migrate(pool, [first]);
  expect(await tables()).toEqual(['one', 'schema_version', 'two']);
  await migrate(pool, [first, second]);
  await migrate(pool, [first, second]);
  expect(await tables()).toEqual(['one', 'schema_version', 'three', 'two']);
  const { rows } = await pool.query('select version, name from schema_version order by version');
  expect(rows).toEqual([
    { version: 1, name: 'first' },
    { version: 2, name: 'second' },
  ]);
});

test('a single connection will do, and is fit for use afterwards', async () => {
  const connection = new Client({ connectionString });
  await connection.connect();
  expect(await migrate(connection, [first])).toBe(1);
  expect(await schemaVersion(connection)).toBe(1);
  await connection.end();
});

test('any number of processes may migrate at once', async () => {
  const slow = { version: 1, name: 'slow', sql: 'create table one (); select pg_sleep(0.05)' };
  const versions = await Promise.all(Array.from({ length: 8 }, () => migrate(pool, [slow, second])));
  expect(versions).toEqual(Array(8).fill(2));
});

test('a migration that fails leaves nothing, and the ones before it in place', async () => {
  const broken = { version: 2, name: 'broken', sql: 'create table half (); select no_such_thing' };
  await expect(migrate(pool, [first, broken])).rejects.toMatchObject({
    name: 'Unavailable',
    reason: expect.stringMatching(/version 2 \(broken\): column "no_such_thing" does not exist/),
  });
  expect(await tables()).toEqual(['one', 'schema_version', 'two']);
  expect(await migrate(pool, [first, second])).toBe(2);
});

test('a database of a newer version is refused', async () => {
  await migrate(pool, [first, second]);
  await expect(migrate(pool, [first])).rejects.toMatchObject({
    name: 'Conflict',
    reason: expect.stringMatching(/made by a newer version .* version 2, .* up to 1/),
    advice: 'Update this program.',
  });
});

test('a migration that was changed after it was applied is refused', async () => {
  await migrate(pool, [first]);
  const changed = { ...first, sql: `${first.sql} create table more ();` };
  await expect(migrate(pool, [changed, second])).rejects.toMatchObject({
    name: 'Conflict',
    reason: expect.stringContaining('migration 1 (first)'),
  });
  expect(await schemaVersion(pool)).toBe(1);
});

test('line ends of another system are no change', async () => {
  await migrate(pool, [{ ...first, sql: 'create table one ();\ncreate table two ();\n' }]);
  expect(await migrate(pool, [{ ...first, sql: 'create table one ();\r\ncreate table two ();\r\n' }])).toBe(
    1,
  );
});
