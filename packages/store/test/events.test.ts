import type { KnitId } from '@knitfab/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  beginUpload,
  completeUpload,
  deleteRun,
  discardUpload,
  EventFeed,
  formatPosition,
  type Reset,
  retryRun,
  type StoredEvent,
  transaction,
  trimEvents,
} from '../src/index.ts';
import { testStore } from './fixture.ts';

const store = testStore();
/** The feeds of two servers. */
let here: EventFeed;
let elsewhere: EventFeed;
beforeAll(() => {
  here = new EventFeed(store.store);
  elsewhere = new EventFeed(store.store);
});
afterAll(() => {
  here.close();
  elsewhere.close();
});

/** A reader that has come back, to another server. */
function reader(lastEventId?: string, feed = elsewhere) {
  const events = feed.read(lastEventId, new AbortController().signal);
  const next = async () => {
    const { value } = await events.next();
    if (value === undefined) throw new Error('the events have ended');
    return value;
  };
  /** The next events, as many as that. */
  const take = async (count: number): Promise<(StoredEvent | Reset)[]> => {
    const taken: (StoredEvent | Reset)[] = [];
    while (taken.length < count) {
      const event = await next();
      if (event.event !== 'beginning') taken.push(event);
    }
    return taken;
  };
  /** Events up to the first that fits. */
  const until = async (fits: (event: StoredEvent | Reset) => boolean) => {
    const taken: (StoredEvent | Reset)[] = [];
    for (;;) {
      const [event] = await take(1);
      if (event === undefined) throw new Error('the events have ended');
      taken.push(event);
      if (fits(event)) return taken;
    }
  };
  return { next, take, until };
}

/** A reader that has begun. */
async function followed() {
  const following = reader(undefined, here);
  expect(await following.next()).toMatchObject({ event: 'beginning' });
  return following;
}

const told = ({ event, data }: StoredEvent | Reset) => ({ event, ...data });
const idOf = ({ position }: StoredEvent | Reset) => formatPosition(position);

/** Puts a mark on a Data, in the same place however often. */
const mark = (knitId: KnitId, nr: number) => store.tag(knitId, { add: [`mark:${nr}`], removeKeys: ['mark'] });
const marked = (knitId: KnitId) => (event: StoredEvent | Reset) =>
  event.event === 'data' && event.data.knitId === knitId;

describe('every change is told', () => {
  test('of an upload: it runs, is completed, and its Data is stamped', async () => {
    const following = await followed();
    const upload = await transaction(store.db, beginUpload);
    const begun = await following.take(2);
    expect(begun.map(told)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ event: 'run', runId: upload.runId, status: 'running' }),
        expect.objectContaining({
          event: 'data',
          knitId: upload.knitId,
          tags: [`knit#id:${upload.knitId}`, 'knit#transient:processing'],
        }),
      ]),
    );
    await transaction(store.db, (tx) => completeUpload(tx, upload));
    const completed = await following.take(3);
    expect(completed.map(told)).toMatchObject([
      { event: 'run', runId: upload.runId, status: 'completing' },
      {
        event: 'run',
        runId: upload.runId,
        status: 'done',
        updatedAt: expect.any(String),
        plan: { name: 'knit#uploaded' },
      },
      {
        event: 'data',
        knitId: upload.knitId,
        tags: [`knit#id:${upload.knitId}`, expect.stringMatching(/^knit#timestamp:/)],
      },
    ]);
  });

  test('of an upload that is broken off: what it began is gone', async () => {
    const following = await followed();
    const upload = await transaction(store.db, beginUpload);
    await transaction(store.db, (tx) => discardUpload(tx, upload));
    const events = await following.until(({ event }) => event === 'run-deleted');
    expect(events.map(told).slice(-2)).toEqual([
      { event: 'data-deleted', knitId: upload.knitId },
      { event: 'run-deleted', runId: upload.runId },
    ]);
  });

  test('of changed tags, and not of tags that stay', async () => {
    const knitId = await store.push('e1:a');
    const following = await followed();
    await store.tag(knitId, { add: ['e1:a'], remove: ['e1:none'] });
    await store.tag(knitId, { add: ['e1:b'] });
    const [event] = await following.take(1);
    expect(event && told(event)).toMatchObject({
      event: 'data',
      knitId,
      tags: expect.arrayContaining(['e1:a', 'e1:b']),
    });
  });

  test('of Runs: projected, through each status, retried, deleted', async () => {
    const plan = await store.plan({ '/in': ['e2:in'] }, { '/out': ['e2:out'] });
    await store.push('e2:in');
    const following = await followed();
    await store.project();
    const [run] = await store.runsOf(plan);
    if (run === undefined) throw new Error('there is no Run');
    await store.finish(run.runId, 'failed');
    await transaction(store.db, (tx) => retryRun(tx, run.runId));
    await transaction(store.db, (tx) => deleteRun(tx, run.runId));
    const events = await following.until(({ event }) => event === 'run-deleted');
    const statuses = events.flatMap((each) => (each.event === 'run' ? each.data.status : []));
    expect(statuses).toEqual(['waiting', 'ready', 'starting', 'running', 'aborting', 'failed', 'waiting']);
    const data = events.flatMap((each) => (each.event === 'data-deleted' ? [each.data.knitId] : []));
    // the outputs of both attempts
    expect(new Set(data).size).toBe(2);
    expect(data).toContain(run.outputs[0]?.knitId);
  });
});

describe('no event is missed and none comes twice', () => {
  test('when a transaction that began earlier commits later', async () => {
    const [early, late] = [await store.push('e3:early'), await store.push('e3:late')];
    const following = await followed();
    const begun = Promise.withResolvers<void>();
    const commit = Promise.withResolvers<void>();
    const slow = transaction(store.db, async (tx) => {
      await sql`insert into event (knit_id) values (${early})`.execute(tx);
      begun.resolve();
      await commit.promise;
    });
    await begun.promise;
    await mark(late, 1);
    const [first] = await following.take(1);
    expect(first && told(first)).toMatchObject({ knitId: late });
    commit.resolve();
    await slow;
    await mark(late, 2);
    expect((await following.take(2)).map(told)).toMatchObject([{ knitId: early }, { knitId: late }]);
    // nor by one who comes back with what was known before the commit
    const returned = reader(first && idOf(first));
    expect((await returned.take(2)).map(told)).toMatchObject([{ knitId: early }, { knitId: late }]);
  });

  test('by whoever comes back with the id of any event', async () => {
    const data = await Promise.all(Array.from({ length: 8 }, (_, nr) => store.push(`e4:${nr}`)));
    const following = await followed();
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        data.map((knitId) =>
          transaction(store.db, async (tx) => {
            for (let nr = 0; nr < 3; nr++) {
              await sql`insert into event (knit_id) values (${knitId})`.execute(tx);
              await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
            }
          }),
        ),
      );
      await mark(data[0] as KnitId, round);
    }
    const all = await following.take(5 * (8 * 3 + 1));
    const places = (events: (StoredEvent | Reset)[]) =>
      events.map((event) =>
        'place' in event ? `${event.place.transaction}.${event.place.number}` : 'reset',
      );
    expect(new Set(places(all)).size).toBe(all.length);
    for (const [index, event] of all.entries()) {
      const rest = all.length - 1 - index;
      if (rest === 0) continue;
      const returned = await reader(idOf(event)).take(rest);
      expect(new Set(places(returned))).toEqual(new Set(places(all.slice(index + 1))));
    }
  });

  test('by a reader that is slower than what happens', async () => {
    const knitId = await store.push('e5:a');
    const following = await followed();
    const count = 2500;
    for (let done = 0; done < count; done += 100) {
      await sql`insert into event (knit_id) select ${knitId}::uuid from generate_series(1, 100)`.execute(
        store.db,
      );
      await sql`select pg_notify('knit', 'data')`.execute(store.db);
    }
    const other = await followed();
    await mark(knitId, 1);
    await other.until(marked(knitId)); // by now all has been read by the feed
    const events = await following.take(count + 1);
    expect(events.every(marked(knitId))).toBe(true);
    const places = events.map((event) => ('place' in event ? event.place.number : -1n));
    expect(new Set(places).size).toBe(count + 1);
  });
});

describe('a reader is told to read everything again', () => {
  test('when its position is of a database that has crashed, or no position at all', async () => {
    const knitId = await store.push('e6:a');
    const following = await followed();
    await mark(knitId, 1);
    const [event] = await following.until(marked(knitId));
    const id = event && idOf(event);
    await sql`truncate event, event_epoch`.execute(store.db); // as PostgreSQL does with tables that are not logged
    expect(await reader(id).next()).toMatchObject({ event: 'reset' });
    expect(await reader('anything').next()).toMatchObject({ event: 'reset' });
    // also one that is connected, and it goes on
    await mark(knitId, 2);
    expect((await following.take(1)).map(told)).toEqual([{ event: 'reset' }]);
    await mark(knitId, 3);
    await following.until(marked(knitId));
  });

  test('when the events after its position have been removed', async () => {
    const knitId = await store.push('e7:a');
    const following = await followed();
    await mark(knitId, 1);
    const first = (await following.until(marked(knitId))).at(-1);
    await mark(knitId, 2);
    await following.until(marked(knitId));
    await transaction(store.db, (tx) => trimEvents(tx, { age: '-1 second', count: 1_000_000 }));
    const { rows } = await sql`select from event`.execute(store.db);
    expect(rows).toHaveLength(0);
    expect(await reader(first && idOf(first)).next()).toMatchObject({ event: 'reset' });
  });

  test('and only then: one that has seen all that was removed goes on', async () => {
    const knitId = await store.push('e7:b');
    const following = await followed();
    let number = 0;
    const afterTrim = async () => {
      await mark(knitId, ++number);
      const last = (await following.until(marked(knitId))).at(-1);
      await transaction(store.db, (tx) => trimEvents(tx, { age: '-1 second', count: 1_000_000 }));
      const uptodate = reader(last && idOf(last));
      await mark(knitId, ++number);
      await following.until(marked(knitId));
      return (await uptodate.take(1)).map(told);
    };
    // Whatever was under way at the moment of the event, in other databases too, may have made some that it had not seen.
    await expect.poll(afterTrim, { timeout: 20_000 }).toMatchObject([{ event: 'data', knitId }]);
  });

  test('events are removed when there are too many, the oldest first', async () => {
    const knitId = await store.push('e8:a');
    await sql`insert into event (knit_id) select ${knitId}::uuid from generate_series(1, 11000)`.execute(
      store.db,
    );
    await sql`insert into event (knit_id) select ${knitId}::uuid from generate_series(1, 500)`.execute(
      store.db,
    );
    const kept = async () => (await sql`select from event`.execute(store.db)).rows.length;
    while (await transaction(store.db, (tx) => trimEvents(tx, { age: '1 hour', count: 1_000_000 })));
    expect(await kept()).toBeGreaterThanOrEqual(11_500);
    while (await transaction(store.db, (tx) => trimEvents(tx, { age: '1 hour', count: 400 })));
    expect(await kept()).toBe(500);
  });
});

describe('a feed', () => {
  test('that is closed ends its readers, and those to come', async () => {
    const feed = new EventFeed(store.store);
    const { signal } = new AbortController();
    const waiting = feed.read(undefined, signal);
    await waiting.next();
    const next = waiting.next();
    feed.close();
    // Something of the tests before may still come.
    if (!(await next).done) while (!(await waiting.next()).done);
    expect(feed.readers).toBe(0);
  });
});
