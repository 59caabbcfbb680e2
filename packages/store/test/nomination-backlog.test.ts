import { type KnitId, type PlanId, parseTag } from '@knitfab/core';
import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import {
  changeDataTags,
  claimBacklog,
  deleteRun,
  nominatePiece,
  renominateData,
  transaction,
} from '../src/index.ts';
import { testStore } from './fixture.ts';
import { pushMany } from './many-data.ts';

const store = testStore();

const piece = (size?: number) =>
  transaction(store.db, async (tx) => {
    const backlog = await claimBacklog(tx);
    return backlog === undefined ? undefined : await nominatePiece(tx, backlog, size);
  });

async function workOff(size?: number): Promise<void> {
  while ((await piece(size)) !== undefined);
}

async function nominatedTo(planId: PlanId): Promise<KnitId[]> {
  const { rows } = await sql<{ knit_id: KnitId }>`
    select knit_id from nomination join plan_input using (input_id) where plan_id = ${planId} order by knit_id`.execute(
    store.db,
  );
  return rows.map((row) => row.knit_id);
}

/** The Data of finished Runs that have all of the tags, found without the code under test. */
async function withTags(...tags: string[]): Promise<KnitId[]> {
  const { rows } = await sql<{ knit_id: KnitId }>`
    select knit_id from data join run using (run_id)
    where status = 'done' and array(select key || ':' || value from data_tag join tag using (tag_id)
                                    where data_tag.knit_id = data.knit_id) @> ${tags}::text[]
    order by knit_id`.execute(store.db);
  return rows.map((row) => row.knit_id);
}

test('a Plan that fits few Data has them all at once; one that fits very many has them bit by bit, and then exactly those', async () => {
  const many = await pushMany(store, 2_500, 'b1:all');
  const few = await pushMany(store, 20, 'b1:all', 'b1:few');
  const small = await store.plan({ '/a': ['b1:all', 'b1:few'] });
  expect(await nominatedTo(small)).toEqual(few.toSorted());
  const large = await store.plan({ '/a': ['b1:all'], '/b': ['b1:all', 'b1:few'] });
  expect((await nominatedTo(large)).length).toBeLessThan(2_500);
  await workOff();
  const both = [...many, ...few, ...few].toSorted();
  expect(await nominatedTo(large)).toEqual(both);
  expect(await piece()).toBeUndefined();
});

test('Data that are pinned by their timestamp are nominated however many there are', async () => {
  const data = await pushMany(store, 1_200, 'b2:all');
  await sql`update data set stamped_at = '2026-01-02T03:04:05.678Z' where knit_id = any (${data}::uuid[])`.execute(
    store.db,
  );
  const plan = await store.plan({ '/a': ['knit#timestamp:2026-01-02T03:04:05.678Z'] });
  await workOff();
  expect(await nominatedTo(plan)).toEqual(data.toSorted());
});

/** Resolves when some transaction of this database waits for another one's lock. */
async function someoneWaits(): Promise<void> {
  await expect
    .poll(async () => {
      const { rows } = await sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        store.db,
      );
      return rows.length;
    })
    .toBeGreaterThan(0);
}

test('a Data that loses its tag while a piece is about to nominate it is not nominated', async () => {
  const [data] = await pushMany(store, 1_001, 'b3:x').then((all) => all.toSorted().slice(-1));
  const plan = await store.plan({ '/a': ['b3:x'] });
  let pieceDone: Promise<unknown> | undefined;
  await transaction(store.db, async (tx) => {
    const change = { add: [], remove: [parseTag('b3:x')], removeKeys: [] };
    await changeDataTags(tx, data as KnitId, change);
    pieceDone = piece();
    await someoneWaits();
  });
  await pieceDone;
  expect(await nominatedTo(plan)).toEqual(await withTags('b3:x'));
  expect(await nominatedTo(plan)).not.toContain(data);
});

test('a Data that loses its tag while a piece is nominating it is withdrawn', async () => {
  const [data] = await pushMany(store, 1_001, 'b4:x').then((all) => all.toSorted().slice(-1));
  const plan = await store.plan({ '/a': ['b4:x'] });
  let changed: Promise<unknown> | undefined;
  await transaction(store.db, async (tx) => {
    const backlog = await claimBacklog(tx);
    if (backlog) await nominatePiece(tx, backlog);
    changed = store.tag(data as KnitId, { remove: ['b4:x'] });
    await someoneWaits();
  });
  await changed;
  expect(await nominatedTo(plan)).toEqual(await withTags('b4:x'));
  expect(await nominatedTo(plan)).not.toContain(data);
});

test('whatever changes while pieces are made, in the end exactly the Data that fit are nominated', async () => {
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          at: fc.nat({ max: 1_199 }),
          kind: fc.constantFrom('add', 'remove', 'delete', 'push', 'again'),
        }),
        { minLength: 20, maxLength: 60 },
      ),
      async (changes) => {
        const [a, b] = [`b5:${round}a`, `b5:${round++}b`];
        const data = [...(await pushMany(store, 600, a)), ...(await pushMany(store, 600, a, b))];
        const planned = [store.plan({ '/a': [a] }), store.plan({ '/a': [b], '/b': [a, b] })];
        const change = async ({ at, kind }: (typeof changes)[number]): Promise<void> => {
          const knitId = data[at] as KnitId;
          if (kind === 'push') await store.push(a, b);
          else if (kind === 'add') await store.tag(knitId, { add: [b] });
          else if (kind === 'remove') await store.tag(knitId, { remove: [a, b] });
          else if (kind === 'again') await transaction(store.db, (tx) => renominateData(tx, [knitId]));
          else {
            const run = await store.db
              .selectFrom('data')
              .select('run_id')
              .where('knit_id', '=', knitId)
              .executeTakeFirst();
            if (run) await transaction(store.db, (tx) => deleteRun(tx, run.run_id));
          }
        };
        const plans = await Promise.all(planned);
        await Promise.all([
          ...Array.from({ length: 3 }, () => workOff(20)),
          // A Data that is deleted twice, or tagged when it is gone, is not what this is about.
          ...changes.map((each) => change(each).catch(() => {})),
        ]);
        await workOff(20);
        expect(await nominatedTo(plans[0] as PlanId)).toEqual(await withTags(a));
        expect(await nominatedTo(plans[1] as PlanId)).toEqual(
          [...(await withTags(b)), ...(await withTags(a, b))].toSorted(),
        );
      },
    ),
    { numRuns: 4 },
  );
});
