import { Unavailable } from '@knitfab/core';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openStore, reachDatabase, snapshot, transaction } from '../src/index.ts';
import { listen, notify } from '../src/notifications.ts';
import { freshDatabase } from './database.ts';
import { DatabaseProxy } from './database-proxy.ts';

test('a statement whose connection goes silent fails as unavailable, and the next one is answered', async () => {
  await using proxy = await DatabaseProxy.start(await freshDatabase());
  const store = openStore({ connectionString: proxy.url }, 2, 500);
  const ask = () => snapshot(store.db, (tx) => sql`select`.execute(tx));
  await ask();
  proxy.stall();
  await expect(ask()).rejects.toBeInstanceOf(Unavailable);
  await ask();
  await store.close();
});

test('who does something else in the middle of a transaction may take longer, and hears of a silence after that', async () => {
  await using proxy = await DatabaseProxy.start(await freshDatabase());
  const store = openStore({ connectionString: proxy.url }, 2, 300);
  const ask = () =>
    transaction(store.db, async (tx) => {
      await sql`select`.execute(tx);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await sql`select`.execute(tx);
    });
  await ask();
  proxy.stall();
  await expect(ask()).rejects.toBeInstanceOf(Unavailable);
  await store.close();
});

test.each(['in the middle of a statement', 'at the commit'])(
  'a connection that is cut %s fails as unavailable, and the next one is answered',
  async (when) => {
    await using proxy = await DatabaseProxy.start(await freshDatabase());
    const store = openStore({ connectionString: proxy.url }, 2);
    const broken = transaction(store.db, async (tx) => {
      const work = sql`select pg_sleep(${when === 'at the commit' ? 0 : 30})`.execute(tx);
      if (when === 'at the commit') await work;
      else await reachDatabase(store.db);
      proxy.cut();
      await work;
    });
    await expect(broken).rejects.toBeInstanceOf(Unavailable);
    // Another one of the pool may turn out to be cut only when it is used.
    await expect
      .poll(() =>
        reachDatabase(store.db).then(
          () => 'reached',
          () => 'away',
        ),
      )
      .toBe('reached');
    await store.close();
  },
);

test('who listens notices a connection that goes silent, and listens again', async () => {
  await using proxy = await DatabaseProxy.start(await freshDatabase());
  const store = openStore({ connectionString: proxy.url }, 2);
  const stopping = new AbortController();
  const topics: (string | undefined)[] = [];
  let heard: () => void = () => {};
  const until = async (topic: string | undefined) => {
    topics.length = 0;
    while (!topics.includes(topic)) await new Promise<void>((resolve) => (heard = resolve));
  };
  const begun = until(undefined);
  const listening = listen(
    store.options,
    (topic) => {
      topics.push(topic);
      heard();
    },
    stopping.signal,
    200,
  );
  await begun;
  const again = until(undefined);
  proxy.stall();
  await again;
  const told = until('garbage');
  await notify(store.db, 'garbage');
  await told;
  stopping.abort();
  await listening;
  await store.close();
});
