import { definePlan, type KnitId, type PlanInput, parseTag } from '@knitfab/core';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import {
  changeStatus,
  deleteRun,
  dryRunPlan,
  dryRunTags,
  dryRunUpload,
  planDetails,
  registerPlan,
  type StartedRuns,
  setPlanActive,
  snapshot,
  transaction,
  why,
} from '../src/index.ts';
import { testStore } from './fixture.ts';
import { pushMany } from './many-data.ts';

const store = testStore();

const points = (given: Record<string, string[]>) =>
  Object.entries(given).map(([path, tags]) => ({ path, tags: tags.map(parseTag) }));
const planOf = (
  inputs: Record<string, string[]>,
  outputs: Record<string, string[]>,
  rest: Partial<PlanInput> = {},
) => definePlan({ image: 'host:v1', inputs: points(inputs), outputs: points(outputs), ...rest });
const tried = (plan: ReturnType<typeof planOf>) => snapshot(store.db, (tx) => dryRunPlan(tx, plan));
const retagged = (
  knitId: KnitId,
  { add = [] as string[], remove = [] as string[], removeKeys = [] as string[] },
) =>
  snapshot(store.db, (tx) =>
    dryRunTags(tx, knitId, { add: add.map(parseTag), remove: remove.map(parseTag), removeKeys }),
  );
const pushed = (...tags: string[]) => snapshot(store.db, (tx) => dryRunUpload(tx, tags.map(parseTag)));
const counts = ({ runs }: StartedRuns) => runs.byPlan.map(({ plan, count }) => [plan.planId, count]);

describe('a dry run of a Plan', () => {
  test('tells the Runs that it would get, and what it would look like, and changes nothing', async () => {
    const left = [await store.push('d1:left'), await store.push('d1:left', 'd1:more')];
    const right = [await store.push('d1:right'), await store.push('d1:right'), await store.push('d1:right')];
    await store.push('d1:unfinished-other');
    await store.plan({ '/in': ['d1:out'] }, { '/out': ['d1:end'] });
    await store.plan({ '/in': ['d1:begin'] }, { '/out': ['d1:left', 'd1:also'] });
    const plan = planOf(
      { '/l': ['d1:left'], '/r': ['d1:right'] },
      { '/out': ['d1:out'] },
      { log: { tags: [parseTag('d1:log')] }, resources: { cpu: '2' }, annotations: ['a=1'], priority: 3 },
    );
    const answer = await tried(plan);
    const combinations = left.flatMap((l) => right.map((r) => [l, r]));
    expect(answer.runs.count).toBe(6);
    expect(answer.runs.first.map(({ inputs }) => inputs.map(({ knitId }) => knitId))).toEqual(combinations);
    expect(answer.runs.first[0]?.inputs[0]).toEqual({ path: '/l', tags: ['d1:left'], knitId: left[0] });
    expect(answer.warnings).toEqual([]);
    expect(answer).not.toHaveProperty('equalTo');
    // and so it comes to be
    const planId = await transaction(store.db, (tx) => registerPlan(tx, plan));
    await store.project();
    expect(await store.runsOf(planId)).toHaveLength(6);
    const [{ planId: _, ...detail } = { planId }] = await snapshot(store.db, (tx) =>
      planDetails(tx, [planId]),
    );
    expect(answer.plan).toEqual(detail);
  });

  test('names the equal Plan that there is, which would be refused', async () => {
    const planId = await store.plan({ '/in': ['d2:in'] }, { '/out': [] });
    await store.push('d2:in');
    expect(await tried(planOf({ '/in': ['d2:in'] }, { '/out': [] }))).toMatchObject({
      equalTo: planId,
      runs: { count: 0, first: [] },
    });
  });

  test('tells the first 100 of many, and that so many are held back', async () => {
    for (let nr = 0; nr < 11; nr++) await store.push('d3:a');
    const plan = planOf({ '/x': ['d3:a'], '/y': ['d3:a'], '/z': ['d3:a'] }, { '/out': [] });
    const answer = await tried(plan);
    expect(answer.runs.count).toBe(11 ** 3);
    expect(answer.runs.first).toHaveLength(100);
    expect(answer.plan.active).toBe(false);
    expect(answer.warnings).toEqual([expect.stringContaining('1331 Runs at once')]);
  });

  test('says of a Plan whether it would be made inactive, as registering does', async () => {
    const [first] = await pushMany(store, 1200, 'd6:a');
    await pushMany(store, 1200, 'd6:b');
    await store.tag(first as KnitId, { add: ['d6:b'] });
    for (const tags of [['d6:a'], ['d6:a', 'd6:b']]) {
      const plan = planOf({ '/in': tags }, { '/out': [] });
      const told = await tried(plan);
      const planId = await transaction(store.db, (tx) => registerPlan(tx, plan));
      const [made] = await snapshot(store.db, (tx) => planDetails(tx, [planId]));
      expect({ tags, active: told.plan.active }).toEqual({ tags, active: made?.active });
      expect(told.warnings.length).toBe(made?.active ? 0 : 1);
    }
  });

  test('finds Data by what an input pins, and passes over Data that are not finished', async () => {
    const [data, other] = [await store.push('d4:a'), await store.push('d4:a')];
    const { rows } = await sql<{ run_id: string }>`select run_id from data where knit_id = ${other}`.execute(
      store.db,
    );
    await sql`update run set status = 'failed' where run_id = ${rows[0]?.run_id}`.execute(store.db);
    expect((await tried(planOf({ '/in': ['d4:a'] }, { '/out': [] }))).runs.count).toBe(1);
    expect((await tried(planOf({ '/in': [`knit#id:${data}`] }, { '/out': [] }))).runs.count).toBe(1);
    expect((await tried(planOf({ '/in': [`knit#id:${data}`, 'd4:b'] }, { '/out': [] }))).runs.count).toBe(0);
    expect((await tried(planOf({ '/in': ['d4:unheard-of'] }, { '/out': [] }))).warnings).toEqual([
      'no Data fits the input /in yet',
    ]);
  });

  test('warns of what may not be wanted', async () => {
    const plan = planOf({ '/in': ['d5:a'] }, { '/out': ['d5:a', 'd5:b'] }, { image: 'host', active: false });
    const { warnings } = await tried(plan);
    expect(warnings).toEqual([
      expect.stringContaining('latest'),
      expect.stringContaining('inactive'),
      expect.stringContaining('the output /out fits the input /in'),
      'no Data fits the input /in yet',
    ]);
  });
});

describe('a dry run of a Plan whose results come back to it over others', () => {
  const cycles = async (plan: ReturnType<typeof planOf>) =>
    (await tried(plan)).warnings.filter((warning) => warning.includes('comes back'));

  test('names them, in the order in which they feed each other; the shortest way when there are several', async () => {
    const second = await store.plan({ '/in': ['cy:1'] }, { '/out': ['cy:2', 'cy:more'] });
    const third = await store.plan({ '/in': ['cy:2'], '/other': ['cy:x'] }, { '/out': ['cy:3'] });
    await store.plan({ '/in': ['cy:2'] }, { '/out': ['cy:long'] });
    await store.plan({ '/in': ['cy:long'] }, { '/out': ['cy:3'] });
    const plan = planOf({ '/in': ['cy:3'] }, { '/out': ['cy:1'] });
    const [warning, ...rest] = await cycles(plan);
    expect(warning).toContain(`over the Plans ${second}, ${third}: `);
    expect(rest).toEqual([]);
    // Neither what leads to nothing, nor half of the tags, nor the other direction.
    expect(await cycles(planOf({ '/in': ['cy:3'] }, { '/out': ['cy:end'] }))).toEqual([]);
    expect(await cycles(planOf({ '/in': ['cy:3', 'cy:no'] }, { '/out': ['cy:1'] }))).toEqual([]);
    expect(await cycles(planOf({ '/in': ['cy:1'] }, { '/out': ['cy:3'] }))).toEqual([]);
  });

  test('goes over logs, too, and not over inputs that pin one Data', async () => {
    const tags = [parseTag('cz:log')];
    const back = await store.plan({ '/in': ['cz:a'] }, {}, { log: { tags } });
    const pin = 'knit#id:01a20556-3a49-7e5c-a2be-331ca2fdc3e4';
    await store.plan({ '/in': ['cz:b', pin] }, { '/out': ['cz:log'] });
    const [warning] = await cycles(planOf({ '/in': ['cz:log'] }, { '/out': ['cz:a'] }));
    expect(warning).toContain(`over the Plan ${back}: `);
    expect(await cycles(planOf({ '/in': ['cz:log'] }, { '/out': ['cz:b'] }))).toEqual([]);
    expect(await cycles(planOf({ '/in': ['cz:log', pin] }, { '/out': ['cz:a'] }))).toEqual([]);
  });

  test('is quick among a thousand Plans', async () => {
    for (let nr = 0; nr < 1000; nr++) {
      const tag = (offset: number) => `ck:${nr + offset}`;
      await store.plan({ '/in': [tag(0), 'ck:any'] }, { '/out': [tag(1), 'ck:any'] });
    }
    const begun = performance.now();
    const [warning] = await cycles(planOf({ '/in': ['ck:1000'] }, { '/out': ['ck:0', 'ck:any'] }));
    const milliseconds = performance.now() - begun;
    expect(warning).toContain(' and 990 more: ');
    console.log(`a cycle of 1,001 Plans was found in ${Math.round(milliseconds)} ms`);
  }, 120_000);
});

describe('a dry run of tags', () => {
  test('tells the Runs that a change would start, by Plan, and changes nothing', async () => {
    const two = await store.plan({ '/a': ['e1:a'], '/b': ['e1:b'] }, { '/out': [] });
    const one = await store.plan({ '/a': ['e1:a', 'e1:new'] }, { '/out': [] });
    await store.push('e1:b');
    await store.push('e1:b');
    await store.push('e1:b', 'e1:a');
    const knitId = await store.push('e1:new');
    await store.project();
    const answer = await retagged(knitId, { add: ['e1:a'] });
    expect(counts(answer)).toEqual([
      [two, 3],
      [one, 1],
    ]);
    expect(answer.runs.count).toBe(4);
    const before = (await store.runsOf(two)).length;
    await store.tag(knitId, { add: ['e1:a'] });
    await store.project();
    expect((await store.runsOf(two)).length - before).toBe(3);
    expect(await retagged(knitId, { add: ['e1:a'] })).toEqual({ runs: { count: 0, byPlan: [] } });
  });

  test('counts both places of a Data that fits two inputs', async () => {
    const plan = await store.plan({ '/a': ['e2:a'], '/b': ['e2:b'] }, { '/out': [] });
    await store.push('e2:a');
    await store.push('e2:b');
    const knitId = await store.push('e2:none');
    await store.project();
    expect(counts(await retagged(knitId, { add: ['e2:a', 'e2:b'] }))).toEqual([[plan, 3]]);
    expect(counts(await pushed('e2:a', 'e2:b'))).toEqual([[plan, 3]]);
    await store.tag(knitId, { add: ['e2:a', 'e2:b'] });
    await store.project();
    expect(await store.runsOf(plan)).toHaveLength(4);
  });

  test('leaves out combinations that have had a Run, also a deleted one', async () => {
    const plan = await store.plan({ '/a': ['e3:a'], '/b': ['e3:b'] }, { '/out': [] });
    const knitId = await store.push('e3:a');
    await store.push('e3:b');
    await store.project();
    const [run] = await store.runsOf(plan);
    if (run === undefined) throw new Error('there is no Run');
    await transaction(store.db, (tx) => deleteRun(tx, run.runId));
    await store.tag(knitId, { remove: ['e3:a'] });
    await store.push('e3:b');
    await store.project();
    expect(counts(await retagged(knitId, { add: ['e3:a'] }))).toEqual([[plan, 1]]);
    await store.tag(knitId, { add: ['e3:a'] });
    await store.project();
    expect(await store.runsOf(plan)).toHaveLength(1);
  });

  test('leaves out inactive Plans, and Data that are not finished', async () => {
    const plan = await store.plan({ '/a': ['e4:a'] }, { '/out': [] }, { active: false });
    const knitId = await store.push('e4:none');
    expect(counts(await retagged(knitId, { add: ['e4:a'] }))).toEqual([]);
    await transaction(store.db, (tx) => setPlanActive(tx, plan, true));
    expect(counts(await retagged(knitId, { add: ['e4:a'] }))).toEqual([[plan, 1]]);
    await sql`update run set status = 'failed' where run_id = (select run_id from data where knit_id = ${knitId})`.execute(
      store.db,
    );
    expect(counts(await retagged(knitId, { add: ['e4:a'] }))).toEqual([]);
  });

  test('of a Data that is not there is refused', async () => {
    const nobody = '00000000-0000-4000-8000-000000000000' as KnitId;
    await expect(retagged(nobody, {})).rejects.toMatchObject({ name: 'NotFound' });
  });
});

describe('why', () => {
  const asked = (knitId: KnitId, planId: Awaited<ReturnType<typeof store.plan>>) =>
    snapshot(store.db, (tx) => why(tx, { knitId, planId }));

  test('a Data is not nominated: the tags that it lacks', async () => {
    const plan = await store.plan({ '/a': ['w1:a', 'w1:b', 'w1:c'] }, { '/out': [] });
    const knitId = await store.push('w1:b');
    expect(await asked(knitId, plan)).toMatchObject({
      status: 'done',
      active: true,
      inputs: [
        {
          path: '/a',
          nominated: false,
          missing: ['w1:a', 'w1:c'],
          reason: 'it lacks w1:a, w1:c',
          runs: { count: 0 },
        },
      ],
    });
  });

  test('a Data is nominated and has no Run: nothing is there for another input', async () => {
    const plan = await store.plan({ '/a': ['w2:a'], '/b': ['w2:b'] }, { '/out': [] }, { active: false });
    const knitId = await store.push('w2:a');
    await store.project();
    const { inputs, active } = await asked(knitId, plan);
    expect(active).toBe(false);
    expect(inputs[0]).toMatchObject({
      nominated: true,
      reason:
        'it is nominated, but there is no Data for /b yet; the Plan is inactive: its Runs are not started',
    });
    expect(inputs[1]).toMatchObject({ nominated: false, missing: ['w2:b'] });
  });

  test('a Data is used: by which Runs; and that they are deleted', async () => {
    const plan = await store.plan({ '/a': ['w3:a'] }, { '/out': [] });
    const knitId = await store.push('w3:a');
    expect((await asked(knitId, plan)).inputs[0]?.reason).toBe(
      'it is nominated, and its Runs are about to be made',
    );
    await store.project();
    const [run] = await store.runsOf(plan);
    if (run === undefined) throw new Error('there is no Run');
    expect((await asked(knitId, plan)).inputs[0]).toMatchObject({
      reason: 'it is nominated, and one Run uses it',
      runs: { count: 1, first: [{ runId: run.runId, status: 'waiting' }] },
    });
    await transaction(store.db, (tx) => deleteRun(tx, run.runId));
    expect((await asked(knitId, plan)).inputs[0]).toMatchObject({
      reason: 'it is nominated; the Runs that used it are deleted, and no combination is run twice',
      runs: { count: 0, first: [] },
    });
  });

  test('a Data is not used because its Run has failed; a pinned id or time is a tag like any other', async () => {
    const source = await store.plan({ '/a': ['w4:a'] }, { '/out': ['w4:out'] });
    const data = await store.push('w4:a');
    const next = await store.plan({ '/a': ['w4:out'], '/b': [`knit#id:${data}`, 'w4:x'] }, { '/out': [] });
    await store.project();
    const [run] = await store.runsOf(source);
    const made = run?.outputs[0]?.knitId;
    if (run === undefined || made === undefined) throw new Error('there is no Run');
    expect((await asked(made, next)).inputs[0]?.reason).toBe(
      'the Run that makes it is waiting, and only Data of Runs that are done are used',
    );
    await transaction(store.db, async (tx) => {
      for (const to of ['aborting', 'failed'] as const) await changeStatus(tx, { runIds: [run.runId], to });
    });
    const { inputs } = await asked(made, next);
    expect(inputs.map(({ reason }) => reason)).toEqual([
      'the Run that makes it has failed, and only Data of Runs that are done are used',
      `the Run that makes it has failed, and only Data of Runs that are done are used; besides, it lacks knit#id:${data}, w4:x`,
    ]);
    expect((await asked(data, next)).inputs[1]?.missing).toEqual(['w4:x']);
  });
});
