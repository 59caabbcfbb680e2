import { type RunStatus, runStatuses } from '@knitfab/core';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import {
  beginUpload,
  changeStatus,
  deleteRun,
  discardUpload,
  foldRunCounts,
  queues,
  retryRun,
  runCounts,
  setPlanActive,
  snapshot,
  transaction,
} from '../src/index.ts';
import { testStore } from './fixture.ts';

const store = testStore();

async function counted(): Promise<Partial<Record<RunStatus, number>>> {
  const { rows } = await sql<{ status: RunStatus; runs: number }>`
    select status, count(*) as runs from run group by status`.execute(store.db);
  return Object.fromEntries(rows.map(({ status, runs }) => [status, runs]));
}

const known = async () =>
  Object.fromEntries([...(await runCounts(store.db))].filter(([, runs]) => runs !== 0));

test('the Runs in each status are known without counting them, whatever is done to them', async () => {
  const plan = await store.plan({ '/in': ['c:in'] }, { '/out': [] });
  for (let nr = 0; nr < 8; nr++) await store.push('c:in');
  await store.project();
  expect(await known()).toEqual({ done: 8, waiting: 8 });
  const [first, second, third, fourth] = (await store.runsOf(plan)).map((run) => run.runId);
  if (!first || !second || !third || !fourth) throw new Error('there are too few Runs');
  await store.finish(first, 'done');
  await store.finish(second, 'failed');
  await store.finish(third, 'failed');
  await transaction(store.db, (tx) => retryRun(tx, second));
  await transaction(store.db, (tx) => deleteRun(tx, third));
  await transaction(store.db, (tx) => changeStatus(tx, { runIds: [fourth, first], to: 'ready' }));
  await transaction(store.db, (tx) => setPlanActive(tx, plan, false));
  await transaction(store.db, beginUpload);
  const broken = await transaction(store.db, beginUpload);
  await transaction(store.db, (tx) => discardUpload(tx, broken));
  expect(await known()).toEqual(await counted());
  expect(Object.keys(await known()).every((status) => runStatuses.includes(status as RunStatus))).toBe(true);
});

test('a change that is rolled back is not counted', async () => {
  const before = await known();
  await transaction(store.db, async (tx) => {
    await beginUpload(tx);
    throw new Error('no');
  }).catch(() => {});
  expect(await known()).toEqual(before);
});

test('adding the changes up, by several at once and while others change, keeps their sum', async () => {
  const lines = async () => (await sql`select from run_count`.execute(store.db)).rows.length;
  const uploads = Array.from({ length: 150 }, () => transaction(store.db, beginUpload));
  await Promise.all([...uploads, ...Array.from({ length: 5 }, () => transaction(store.db, foldRunCounts))]);
  await transaction(store.db, foldRunCounts);
  expect(await known()).toEqual(await counted());
  expect(await lines()).toBeLessThanOrEqual(100);
});

test('what waits for each loop is told with since when', async () => {
  const before = await snapshot(store.db, queues);
  await store.plan({ '/in': ['q:in'] }, { '/out': [] });
  await store.push('q:in');
  const pushed = await snapshot(store.db, queues);
  expect(pushed.projection.rows - before.projection.rows).toBe(1);
  expect(pushed.projection.since).toBeInstanceOf(Date);
  await store.project();
  const projected = await snapshot(store.db, queues);
  expect(projected.projection).toEqual({ rows: 0, since: undefined });
  expect(projected.initialize.rows - before.initialize.rows).toBe(1);
  expect(projected['garbage-collection']).toMatchObject({
    rows: expect.any(Number),
    since: expect.any(Date),
  });
  expect(projected.finishing).toEqual({ rows: 0, since: undefined });
});
