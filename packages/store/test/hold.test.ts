import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { holdDatabase, openStore } from '../src/index.ts';
import { locks } from '../src/locks.ts';
import { freshDatabase } from './database.ts';
import { DatabaseProxy } from './database-proxy.ts';

/** The database's process that holds the lock. */
async function holderOf({ db }: ReturnType<typeof openStore>): Promise<number | undefined> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_locks join pg_database on oid = database
    where locktype = 'advisory' and granted and objid = ${locks.hold} and datname = current_database()`.execute(
    db,
  );
  return rows[0]?.pid;
}

test.each(['cut', 'abandon'] as const)(
  'who holds the database takes it again after its connection is gone (%s), whether or not the database knows',
  async (how) => {
    const url = await freshDatabase();
    await using proxy = await DatabaseProxy.start(url);
    const store = openStore({ connectionString: url }, 2);
    const hold = await holdDatabase({ connectionString: proxy.url });
    const before = await holderOf(store);
    proxy[how]();
    let isLost = false;
    void hold?.lost.then(() => {
      isLost = true;
    });
    const isAgain = async () => ![before, undefined].includes(await holderOf(store));
    await expect.poll(async () => isLost || (await isAgain()), { timeout: 20_000 }).toBe(true);
    expect(isLost).toBe(false);
    await hold?.release();
    await store.close();
  },
);

test('who holds the database loses it to whoever took it while it was away', async () => {
  const url = await freshDatabase();
  const proxy = await DatabaseProxy.start(url);
  const hold = await holdDatabase({ connectionString: proxy.url });
  expect(await holdDatabase({ connectionString: url })).toBeUndefined();
  await proxy[Symbol.asyncDispose]();
  await expect.poll(() => holdDatabase({ connectionString: url })).toBeDefined();
  await hold?.release();
});
