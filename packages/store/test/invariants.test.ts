import type { RunId } from '@knitfab/core';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { type Breach, changeStatus, invariants, snapshot, transaction } from '../src/index.ts';
import { testStore } from './fixture.ts';

const t = testStore();

const named = (name: string) => {
  const invariant = invariants.find((each) => each.name === name);
  if (invariant === undefined) throw new Error(`no invariant ${name}`);
  return invariant;
};
const breachesOf = (name: string): Promise<Breach[]> => snapshot(t.db, (tx) => named(name).check(tx, 100));
const mend = async (name: string): Promise<void> => {
  const breaches = await breachesOf(name);
  await transaction(t.db, async (tx) => named(name).mend?.(tx, breaches));
};
async function expectAllToHold(): Promise<void> {
  for (const { name } of invariants)
    expect({ name, breaches: await breachesOf(name) }).toEqual({ name, breaches: [] });
}

test('all hold of a system that was only used', async () => {
  const planId = await t.plan({ '/a': ['type:a'], '/b': ['type:b'] }, { '/out': ['type:c'] });
  const next = await t.plan({ '/c': ['type:c'] }, {}, { active: false });
  for (const tag of ['type:a', 'type:a', 'type:b', 'type:b']) await t.push(tag);
  await t.project();
  const [first, second] = await t.runsOf(planId);
  await t.finish(first?.runId as RunId, 'done');
  await t.finish(second?.runId as RunId, 'failed');
  await t.project();
  expect(await t.runsOf(next)).toHaveLength(1);
  await expectAllToHold();
});

test('a nomination too many or too few is named, and mended', async () => {
  const planId = await t.plan({ '/in': ['nominated:yes'] });
  const lacking = await t.push('nominated:yes');
  const extra = await t.push('nominated:no');
  await t.project();
  await sql`delete from nomination where knit_id = ${lacking}`.execute(t.db);
  await sql`insert into nomination (input_id, knit_id, projected)
            select input_id, ${extra}, true from plan_input where plan_id = ${planId}`.execute(t.db);
  const breaches = await breachesOf('nominations');
  expect(breaches.map(({ subject }) => subject).sort()).toEqual(
    [`${extra} ${planId}`, `${lacking} ${planId}`].sort(),
  );
  expect(breaches.map(({ problem }) => problem).join()).toMatch(/is not nominated to the input \/in/);
  await mend('nominations');
  await t.project();
  await expectAllToHold();
});

test('a combination without a Run is named, and gets one', async () => {
  const planId = await t.plan({ '/a': ['lost:a'], '/b': ['lost:b'] });
  for (const tag of ['lost:a', 'lost:a', 'lost:b']) await t.push(tag);
  await t.project();
  const [run] = await t.runsOf(planId);
  await sql`delete from data where run_id = ${run?.runId}`.execute(t.db);
  await sql`delete from run where run_id = ${run?.runId}`.execute(t.db);
  expect(await breachesOf('combinations')).toEqual([
    { subject: planId, problem: '2 combinations of nominated Data have 1 Runs' },
  ]);
  await mend('combinations');
  await t.project();
  expect(await t.runsOf(planId)).toHaveLength(2);
  await expectAllToHold();
});

test('mending activity leaves a Run alone that has ended since it was looked at', async () => {
  const planId = await t.plan({ '/in': ['late:in'] }, { '/out': [] }, { active: false });
  await t.push('late:in');
  await t.project();
  const runId = (await t.runsOf(planId))[0]?.runId as RunId;
  await sql`update plan set active = true where plan_id = ${planId}`.execute(t.db);
  const breaches = await breachesOf('activity');
  expect(breaches.map(({ subject }) => subject)).toEqual([runId]);
  await transaction(t.db, (tx) => changeStatus(tx, { runIds: [runId], to: 'waiting' }));
  await t.finish(runId, 'done');
  await transaction(t.db, async (tx) => named('activity').mend?.(tx, breaches));
  expect((await t.runsOf(planId))[0]?.status).toBe('done');
  await expectAllToHold();
});

test.each<[string, string, (planId: string) => ReturnType<typeof sql>]>([
  [
    'outputs',
    'has 0 output Data, and should have 1',
    (planId) => sql`
    delete from data where run_id in (select run_id from run where plan_id = ${planId})`,
  ],
  [
    'inputs',
    'are not those of its combination',
    (planId) => sql`
    delete from run_input where run_id in (select run_id from run where plan_id = ${planId})`,
  ],
  [
    'stamps',
    'has a knit#timestamp, and its Run is waiting',
    (planId) => sql`
    update data set stamped_at = now() where run_id in (select run_id from run where plan_id = ${planId})`,
  ],
  [
    'activity',
    'is waiting, and its Plan is not active',
    (planId) => sql`
    update plan set active = false where plan_id = ${planId}`,
  ],
  [
    'garbage',
    'is to be destroyed',
    (planId) => sql`
    insert into garbage (volume_ref)
    select volume_ref from data where run_id in (select run_id from run where plan_id = ${planId})`,
  ],
])('%s: "%s" is seen', async (name, problem, breaking) => {
  const planId = await t.plan({ '/in': [`broken:${name}`] }, { '/out': [] });
  await t.push(`broken:${name}`);
  await t.project();
  await breaking(planId).execute(t.db);
  const [breach, ...others] = await breachesOf(name);
  expect(others).toEqual([]);
  expect(breach?.problem).toContain(problem);
  if (named(name).mend) {
    await mend(name);
    expect(await breachesOf(name)).toEqual([]);
  }
  // The next test begins with nothing broken.
  await sql`update run set combination = null where plan_id = ${planId}`.execute(t.db);
  await sql`delete from data where run_id in (select run_id from run where plan_id = ${planId})`.execute(
    t.db,
  );
  await sql`delete from run_input where run_id in (select run_id from run where plan_id = ${planId})`.execute(
    t.db,
  );
  await sql`delete from run where plan_id = ${planId}`.execute(t.db);
});
