import { type KnitId, type PlanId, parseTag, type RunId, type RunStatus } from '@knitfab/core';
import fc from 'fast-check';
import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type DataFilter,
  findData,
  findDataInBatches,
  findPlans,
  findPlansInBatches,
  findRuns,
  findRunsInBatches,
  type Paging,
  type PlanFilter,
  type RunFilter,
  snapshot,
  type TimePosition,
  type Tx,
} from '../src/index.ts';
import { testStore } from './fixture.ts';
import { pushMany } from './many-data.ts';

const store = testStore();
const start = Date.parse('2026-01-01T00:00:00Z');
/** So many Runs share each moment. */
const clump = 7;
let rare: KnitId[];
let consumer: PlanId;

interface Row {
  knitId: KnitId;
  runId: RunId;
  planId: PlanId;
  status: RunStatus;
  updatedAt: Date;
  tags: string[];
}
let all: Row[];

beforeAll(async () => {
  await pushMany(store, 5_600, 'kind:all');
  rare = await pushMany(store, 60, 'kind:all', 'kind:rare');
  await pushMany(store, 5_200, 'kind:all', 'kind:late');
  consumer = await store.plan({ '/in': ['kind:rare'] }, { '/out': ['kind:made'] });
  await store.plan({ '/in': ['kind:made', 'kind:rare'] }, { '/out': ['kind:other'] });
  await store.project();
  // Clumps of equal moments, in an order that is not that of the ids.
  await sql`update run set updated_at = to_timestamp(${start / 1000}) + interval '1 second' * (nr / ${clump}::integer),
                           status = case when nr % 50 = 0 then 'failed' else status end
            from (select run_id, row_number() over (order by status desc, right(run_id::text, 4)) as nr from run) as shuffled
            where shuffled.run_id = run.run_id and not exists (select from data_tag join data using (knit_id) join tag using (tag_id)
                                                               where data.run_id = run.run_id and value = 'late')`.execute(
    store.db,
  );
  // As a bulk load leaves them: very many of one moment.
  await sql`update run set updated_at = to_timestamp(${start / 1000}) + interval '1 day'
            where run_id in (select run_id from data join data_tag using (knit_id) join tag using (tag_id) where value = 'late')`.execute(
    store.db,
  );
  const { rows } = await sql<Row>`
    select knit_id as "knitId", run_id as "runId", plan_id as "planId", status, updated_at as "updatedAt",
           array(select key || ':' || value from data_tag join tag using (tag_id) where data_tag.knit_id = data.knit_id) as tags
    from run join data using (run_id)`.execute(store.db);
  all = rows;
});

const byTime = (id: (row: Row) => string) => (a: Row, b: Row) =>
  a.updatedAt.getTime() - b.updatedAt.getTime() || (id(a) < id(b) ? -1 : 1);

async function collect<Id>(batches: (tx: Tx) => AsyncGenerator<Id[], void>): Promise<Id[]> {
  return snapshot(store.db, async (tx) => {
    const ids: Id[] = [];
    for await (const batch of batches(tx)) ids.push(...batch);
    return ids;
  });
}

/** All of a list, page by page. */
async function paged<Id extends string, Position>(
  find: (page: Paging<Position>) => Promise<Id[]>,
  position: (id: Id) => Position,
  limit: number,
): Promise<Id[]> {
  const ids: Id[] = [];
  for (let page = await find({ limit }); page.length > 0; ) {
    ids.push(...page);
    page = await find({ limit, after: position(page.at(-1) as Id) });
  }
  return ids;
}

describe('the Data that are found, page by page and all at once, are those that fit, in order', () => {
  const tagged = (tags: string[]) => ({ tags: tags.map(parseTag) });
  const filters: [string, DataFilter, (row: Row) => boolean][] = [
    ['no filter', {}, () => true],
    ['a tag that all have', tagged(['kind:all']), (row) => row.tags.includes('kind:all')],
    ['a tag that few have', tagged(['kind:rare']), (row) => row.tags.includes('kind:rare')],
    ['a tag that only the last ones have', tagged(['kind:late']), (row) => row.tags.includes('kind:late')],
    [
      'the many of one moment',
      { ...tagged(['kind:all']), since: new Date(start + 86_400_000) },
      (row) => row.tags.includes('kind:late'),
    ],
    ['tags that none has together', tagged(['kind:rare', 'kind:late']), () => false],
    ['a tag that is unknown', tagged(['kind:unknown']), () => false],
    ['failed ones', tagged(['knit#transient:failed']), (row) => row.status === 'failed'],
    [
      'a tag and unfinished Runs',
      tagged(['knit#transient:processing', 'kind:made']),
      (row) => row.status === 'waiting' && row.tags.includes('kind:made'),
    ],
    [
      'both failed and unfinished',
      tagged(['knit#transient:processing', 'knit#transient:failed']),
      () => false,
    ],
    [
      'an interval and a tag that all have',
      { ...tagged(['kind:all']), since: new Date(start + 5_000), until: new Date(start + 90_000) },
      (row) =>
        row.tags.includes('kind:all') &&
        row.updatedAt.getTime() >= start + 5_000 &&
        row.updatedAt.getTime() < start + 90_000,
    ],
  ];
  test.each(filters)('%s', async (_, filter, fits) => {
    const expected = all
      .filter(fits)
      .sort(byTime((row) => row.knitId))
      .map((row) => row.knitId);
    const rowOf = new Map(all.map((row) => [row.knitId, row]));
    const pages = (limit: number) =>
      paged(
        (page: Paging<TimePosition<KnitId>>) => findData(store.db, { ...filter, ...page }),
        (id) => ({ updatedAt: rowOf.get(id)?.updatedAt as Date, id }),
        limit,
      );
    expect(await findData(store.db, filter)).toEqual(expected);
    expect(await collect((tx) => findDataInBatches(tx, filter))).toEqual(expected);
    expect(await findData(store.db, { ...filter, limit: 3 })).toEqual(expected.slice(0, 3));
    expect(await pages(997)).toEqual(expected);
    const size = Math.max(1, Math.ceil(expected.length / 7));
    expect(await pages(size)).toEqual(expected);
  });
});

test('the Runs that are found, page by page and all at once, are those that fit, in order', async () => {
  const outputs = new Set(all.filter((row) => row.planId === consumer).map((row) => row.knitId));
  const runs = [...new Map(all.map((row) => [row.runId, row])).values()];
  const lists = fc.record(
    {
      planIds: fc.constant([consumer]),
      statuses: fc.subarray<RunStatus>(['failed', 'done', 'waiting'], { minLength: 1 }),
      knitIdOutputs: fc.subarray([...outputs], { minLength: 1, maxLength: 9 }),
      since: fc.integer({ min: 0, max: 900 }).map((second) => new Date(start + second * 1000)),
      until: fc.integer({ min: 0, max: 900 }).map((second) => new Date(start + second * 1000)),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(lists, fc.integer({ min: 1, max: 3 }), async (filter: RunFilter, pages) => {
      const fits = (row: Row) =>
        (filter.planIds?.includes(row.planId) ?? true) &&
        (filter.statuses?.includes(row.status) ?? true) &&
        (filter.knitIdOutputs?.includes(row.knitId) ?? true) &&
        (filter.since === undefined || row.updatedAt >= filter.since) &&
        (filter.until === undefined || row.updatedAt < filter.until);
      const expected = runs.filter(fits).sort(byTime((row) => row.runId));
      const ids = expected.map((row) => row.runId);
      const rowOf = new Map(expected.map((row) => [row.runId, row]));
      expect(await findRuns(store.db, filter)).toEqual(ids);
      expect(await collect((tx) => findRunsInBatches(tx, filter))).toEqual(ids);
      const found = await paged(
        (page: Paging<TimePosition<RunId>>) => findRuns(store.db, { ...filter, ...page }),
        (id) => ({ updatedAt: rowOf.get(id)?.updatedAt as Date, id }),
        Math.max(1, Math.ceil(ids.length / pages)),
      );
      expect(found).toEqual(ids);
    }),
    { numRuns: 30 },
  );
});

test('the Runs that use a Data are found by it, together with what else is asked', async () => {
  const [data] = rare;
  const using = await findRuns(store.db, { knitIdInputs: [data as KnitId] });
  expect(using).toHaveLength(1);
  expect(await findRuns(store.db, { knitIdInputs: [data as KnitId], planIds: [consumer], limit: 5 })).toEqual(
    using,
  );
  const made = all.find((row) => row.runId === using[0])?.knitId as KnitId;
  expect(await findRuns(store.db, { knitIdInputs: [data as KnitId], knitIdOutputs: [made] })).toEqual(using);
  expect(await findRuns(store.db, { knitIdInputs: [made], knitIdOutputs: [made] })).toEqual([]);
});

test('the Plans that are found by tags, image or state, page by page and all at once, are in the order of their ids', async () => {
  const ids: PlanId[] = [];
  for (let nr = 0; nr < 12; nr++) {
    const rest = { active: nr % 3 !== 0, image: `host:paging${nr % 2}` };
    ids.push(await store.plan({ '/in': ['paging:in', `paging:${nr}`] }, { '/out': ['paging:out'] }, rest));
  }
  ids.sort();
  const in_ = { inTags: [parseTag('paging:in')] };
  const cases: [PlanFilter, number][] = [
    [in_, 12],
    [{ outTags: [parseTag('paging:out')], active: false }, 4],
    [{ ...in_, image: { repository: 'host', tag: 'paging1' } }, 6],
    [{ inTags: [parseTag('paging:in'), parseTag('paging:3')] }, 1],
    [{ inTags: [parseTag('paging:out')] }, 0],
    [{ inTags: [parseTag(`knit#id:${rare[0]}`)] }, 0],
  ];
  for (const [filter, count] of cases) {
    const expected = await findPlans(store.db, filter);
    expect(expected).toEqual(ids.filter((id) => expected.includes(id)));
    expect(expected).toHaveLength(count);
    expect(await collect((tx) => findPlansInBatches(tx, filter))).toEqual(expected);
    const found = await paged(
      (page: Paging<PlanId>) => findPlans(store.db, { ...filter, ...page }),
      (id) => id,
      5,
    );
    expect(found).toEqual(expected);
  }
});
