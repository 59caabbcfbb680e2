import { Client } from 'pg';
import { expect, test } from 'vitest';
import { knownMigrations, schemaVersion } from '../src/migrations.ts';
import { freshDatabase } from './database.ts';

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}

test('a fresh database has the newest schema, and none of what another one holds', async () => {
  await using connections = new AsyncDisposableStack();
  const [one, other] = [await connect(await freshDatabase()), await connect(await freshDatabase())];
  connections.defer(() => one.end());
  connections.defer(() => other.end());

  expect(await schemaVersion(one)).toBe((await knownMigrations()).length);
  await one.query('create table only_here ()');
  const { rows } = await other.query(`select to_regclass('only_here') as found`);
  expect(rows).toEqual([{ found: null }]);
});

test('an empty fresh database has no tables', async () => {
  const connection = await connect(await freshDatabase({ empty: true }));
  expect(await schemaVersion(connection)).toBe(0);
  await connection.end();
});
