import type { KnitId, PlanId } from '@knitfab/core';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import {
  admitRuns,
  changeStatus,
  changeSystemLimits,
  nameWorkers,
  pauseSystem,
  planDetails,
  resumeSystem,
  setPlanActive,
  snapshot,
  type Tx,
  transaction,
} from '../src/index.ts';
import { testStore } from './fixture.ts';
import { pushMany } from './many-data.ts';

const t = testStore();

/** Admits Runs as the initialize loop does, and tells of which Plans they are. */
async function admit(limit: number, ahead?: number): Promise<PlanId[]> {
  return transaction(t.db, async (tx) => {
    const { runs } = await admitRuns(tx, { limit, ...(ahead !== undefined && { ahead }) });
    const runIds = runs.map((run) => run.runId);
    await nameWorkers(tx, runIds);
    await changeStatus(tx, { runIds, to: 'ready' });
    return runs.map((run) => run.planId);
  });
}

/** Takes all Runs that are left to their end. */
async function finishAll(): Promise<void> {
  do {
    const ready = await t.db.selectFrom('run').select('run_id').where('status', '=', 'ready').execute();
    const runIds = ready.map((run) => run.run_id);
    await transaction(t.db, async (tx) => {
      for (const to of ['completing', 'done'] as const) await changeStatus(tx, { runIds, to });
    });
  } while ((await admit(1000)).length > 0);
}

/** A Plan with so many waiting Runs. */
async function planWithRuns(
  name: string,
  runs: number,
  rest: { max_running?: number; priority?: number } = {},
): Promise<PlanId> {
  const planId = await t.plan({ '/in': [`plan:${name}`] }, {}, rest);
  for (let count = 0; count < runs; count++) await t.push(`plan:${name}`);
  await t.project();
  return planId;
}

/** How many rows of Runs, and entries of their indexes, are read for some work. */
async function entriesRead<Result>(
  tx: Tx,
  work: () => Promise<Result>,
): Promise<{ result: Result; read: number }> {
  const read = async () => {
    const { rows } = await sql<{ read: number }>`
      select sum(pg_stat_get_xact_tuples_returned(relation))::float8 as read
      from (select indexrelid from pg_index where indrelid = 'run'::regclass
            union all select 'run'::regclass) as given (relation)`.execute(tx);
    return rows[0]?.read ?? 0;
  };
  const before = await read();
  const result = await work();
  return { result, read: (await read()) - before };
}

const counted = (planIds: PlanId[]) => (planId: PlanId) => planIds.filter((each) => each === planId).length;

test('Plans of equal priority take turns, however many Runs one has', async () => {
  const many = await planWithRuns('many', 20);
  const few = await planWithRuns('few', 2);
  const first = await admit(4);
  expect([counted(first)(many), counted(first)(few)]).toEqual([2, 2]);
  await finishAll();
});

test('a higher priority comes first, and is not held up by ready Runs of a lower one', async () => {
  const low = await planWithRuns('low', 5, { priority: -1 });
  expect(await admit(10, 3)).toEqual([low, low, low]);
  expect(await admit(10, 3)).toEqual([]);
  const high = await planWithRuns('high', 5, { priority: 7 });
  expect(await admit(10, 3)).toEqual([high, high, high]);
  await finishAll();
});

test('max_running holds, however many copies admit at once', async () => {
  const limited = await planWithRuns('limited', 12, { max_running: 3 });
  const free = await planWithRuns('free', 3);
  const admitted = (await Promise.all(Array.from({ length: 6 }, () => admit(10)))).flat();
  expect(counted(admitted)(limited)).toBe(3);
  expect(counted(admitted)(free)).toBe(3);
  expect(await admit(10)).toEqual([]);
  await finishAll();
});

test("the system's limit holds for all Plans together, however many copies admit at once", async () => {
  await transaction(t.db, (tx) => changeSystemLimits(tx, { maxRunning: 4 }));
  await planWithRuns('one', 5);
  await planWithRuns('two', 5);
  const admitted = (await Promise.all(Array.from({ length: 6 }, () => admit(10)))).flat();
  expect(admitted).toHaveLength(4);
  await transaction(t.db, (tx) => changeSystemLimits(tx, { maxRunning: null }));
  expect(await admit(10)).toHaveLength(6);
  await finishAll();
});

test('nothing is admitted while the system is paused, and nothing of an inactive Plan', async () => {
  const planId = await planWithRuns('paused', 1);
  await transaction(t.db, (tx) => pauseSystem(tx, null));
  expect(await admit(10)).toEqual([]);
  await transaction(t.db, resumeSystem);
  await transaction(t.db, (tx) => setPlanActive(tx, planId, false));
  expect(await admit(10)).toEqual([]);
  await transaction(t.db, (tx) => setPlanActive(tx, planId, true));
  expect(await admit(10)).toEqual([planId]);
  await finishAll();
});

test('a copy that finds the limits being filled by another one looks again soon, and takes what has no limit', async () => {
  await planWithRuns('filled', 2, { max_running: 1 });
  await transaction(t.db, async (tx) => {
    await admitRuns(tx, { limit: 1 });
    const other = await transaction(t.db, (second) => admitRuns(second, { limit: 10 }));
    expect(other.runs).toEqual([]);
    expect(other.nextAt?.getTime()).toBeLessThan(Date.now() + 1000);
  });
  await finishAll();
});

test('looking for the next Run that backs off does not read those that wait for their place', async () => {
  const planId = await planWithRuns('place', 0, { max_running: 1 });
  await pushMany(t, 400, 'plan:place');
  await sql`insert into nomination (input_id, knit_id)
            select input_id, knit_id from plan_input, data_tag
            where plan_id = ${planId} and tag_id = (select tag_id from tag where value = 'place')
            on conflict do nothing`.execute(t.db);
  await t.project();
  expect(await admit(10)).toEqual([planId]);
  // What the tests before have left in the indexes.
  await sql`vacuum run`.execute(t.db);
  const { result, read } = await transaction(t.db, (tx) =>
    entriesRead(tx, () => admitRuns(tx, { limit: 10 })),
  );
  expect(result).toEqual({ runs: [] });
  expect(read).toBeLessThan(50);
  await transaction(t.db, (tx) => setPlanActive(tx, planId, false));
  await finishAll();
});

test('100,000 Runs that back off are not read when the next Run is looked for, whatever the statistics', {
  timeout: 120_000,
}, async () => {
  const stuck = await t.plan({ '/in': ['stuck:yes'] });
  await sql`
    insert into run (plan_id, combination, status, failures, next_attempt_at)
    select ${stuck}, array[uuidv7()], 'waiting', 1, clock_timestamp() + nr * interval '10 milliseconds' + interval '10 minutes'
    from generate_series(1, 100000) as nr`.execute(t.db);
  const step = () =>
    transaction(t.db, (tx) =>
      entriesRead(tx, async () => {
        const { runs, nextAt } = await admitRuns(tx, { limit: 50, ahead: 100 });
        const runIds = runs.map((run) => run.runId);
        await nameWorkers(tx, runIds);
        await changeStatus(tx, { runIds, to: 'ready' });
        expect(nextAt === undefined).toBe(runs.length > 0);
        return runs.map((run) => run.planId);
      }),
    );
  for (const statistics of ["delete from pg_statistic where starelid = 'run'::regclass", 'analyze run']) {
    await sql.raw(statistics).execute(t.db);
    const moves = await planWithRuns(`moves: ${statistics}`, 1);
    const first = await step();
    expect(first.result).toEqual([moves]);
    expect(first.read).toBeLessThan(1000);
    const second = await step();
    expect(second.result).toEqual([]);
    expect(second.read).toBeLessThan(1000);
    await finishAll();
  }
  // Once they are due, all of them at the same time, no more are read than are taken.
  await sql`update run set next_attempt_at = clock_timestamp() - interval '1 second' where plan_id = ${stuck}`.execute(
    t.db,
  );
  const due = await step();
  expect(due.result).toEqual(Array(50).fill(stuck));
  expect(due.read).toBeLessThan(2000);
  await sql`delete from run where plan_id = ${stuck}`.execute(t.db);
});

test("a Run that waits names the system's limit only when that is reached", async () => {
  const planId = await planWithRuns('said', 2);
  const problems = async () => (await t.runsOf(planId)).map((run) => run.problem);
  await transaction(t.db, (tx) => changeSystemLimits(tx, { maxRunning: 1 }));
  expect(await problems()).toEqual([undefined, undefined]);
  await admit(10);
  expect((await problems()).filter(Boolean)).toEqual([expect.stringContaining('no more than 1 Runs')]);
  await transaction(t.db, (tx) => changeSystemLimits(tx, { maxRunning: null }));
  await finishAll();
});

test('a Plan that would start more Runs at once than the system lets it is made inactive, others are not', async () => {
  await transaction(t.db, (tx) => changeSystemLimits(tx, { inactiveAbove: 6 }));
  try {
    for (let count = 0; count < 3; count++)
      for (const side of ['left', 'right']) await t.push(`storm:${side}`);
    await t.push('storm:one');
    const isActive = async (...tags: string[]) => {
      const inputs = Object.fromEntries(tags.map((tag, index) => [`/in${index}`, [tag]]));
      const planId = await t.plan(inputs);
      return (await snapshot(t.db, (tx) => planDetails(tx, [planId])))[0]?.active;
    };
    expect(await isActive('storm:left', 'storm:right')).toBe(false); // 9
    expect(await isActive('storm:left', 'storm:one')).toBe(true); // 3
    expect(await isActive('storm:left', 'storm:right', 'storm:none')).toBe(true); // none yet
    await transaction(t.db, (tx) => changeSystemLimits(tx, { inactiveAbove: 9 }));
    expect(await isActive('storm:right', 'storm:left')).toBe(true);
  } finally {
    await transaction(t.db, (tx) => changeSystemLimits(tx, { inactiveAbove: 1000 }));
  }
});

test('Data that are looked at and do not fit make no storm, and a limit above a piece of nominations counts', async () => {
  const [first] = await pushMany(t, 1500, 'fit:a');
  await pushMany(t, 1500, 'fit:b');
  await t.tag(first as KnitId, { add: ['fit:b'] });
  const isActive = async (image: string, ...tags: string[]) => {
    const planId = await t.plan({ '/in': tags }, {}, { image });
    return (await snapshot(t.db, (tx) => planDetails(tx, [planId])))[0]?.active;
  };
  expect(await isActive('fit:v1', 'fit:a', 'fit:b')).toBe(true); // 1
  expect(await isActive('fit:v1', 'fit:a')).toBe(false); // 1500
  await transaction(t.db, (tx) => changeSystemLimits(tx, { inactiveAbove: 1500 }));
  try {
    expect(await isActive('fit:v2', 'fit:a')).toBe(true); // 1500
    expect(await isActive('fit:v2', 'fit:b')).toBe(false); // 1501
  } finally {
    await transaction(t.db, (tx) => changeSystemLimits(tx, { inactiveAbove: 1000 }));
  }
});
