import type { KnitId, PlanId } from '@knitfab/core';
import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { claimPlanToProject, projectPlan, transaction } from '../src/index.ts';
import { testStore } from './fixture.ts';
import { pushMany } from './many-data.ts';

const store = testStore();

/** One step of projection. @returns how many Runs it made, undefined when there was nothing to do */
const step = (enough: number, { crash = false } = {}) =>
  transaction(store.db, async (tx) => {
    const plan = await claimPlanToProject(tx);
    if (plan === undefined) return undefined;
    const { runs } = await projectPlan(tx, plan, enough);
    if (crash) throw new Error('killed');
    return runs;
  });

async function project(enough: number): Promise<void> {
  while ((await step(enough)) !== undefined);
}

async function combinations(plan: PlanId): Promise<string[]> {
  const { rows } = await sql<{ ids: string }>`
    select array_to_string(combination, ' ') as ids from run where plan_id = ${plan}`.execute(store.db);
  return rows.map((row) => row.ids).sort();
}

test('a Data with very many combinations is projected in pieces', async () => {
  const plan = await store.plan({ '/a': ['q1:a'], '/b': ['q1:b'], '/c': ['q1:c'] });
  const [a, b] = [await pushMany(store, 30, 'q1:a'), await pushMany(store, 40, 'q1:b')];
  // What is loaded by a test alone is not nominated by itself.
  for (const [data, tag] of [
    [a, 'q1:a'],
    [b, 'q1:b'],
  ] as const)
    await sql`
      insert into nomination (input_id, knit_id)
      select input_id, knit_id from plan_input join plan_input_tag using (input_id) join tag using (tag_id),
             unnest(${data}::uuid[]) as made (knit_id)
      where plan_id = ${plan} and key || ':' || value = ${tag}
      on conflict do nothing`.execute(store.db);
  await project(100);
  expect(await combinations(plan)).toEqual([]);
  const c = await store.push('q1:c');
  const made: number[] = [];
  for (let runs = await step(100); runs !== undefined; runs = await step(100)) made.push(runs);
  expect(Math.max(...made)).toBeLessThan(200);
  expect(await combinations(plan)).toEqual(a.flatMap((x) => b.map((y) => `${x} ${y} ${c}`)).sort());
});

test('whatever comes, goes and crashes in between, pieces make each combination exactly once', {
  timeout: 120_000,
}, async () => {
  let nr = 0;
  const kind = fc.constantFrom('a', 'b', 'c', 'd');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 }), { minLength: 4, maxLength: 10 }),
      fc.array(
        fc.oneof(
          fc.record({ do: fc.constant('push' as const), kind }),
          fc.record({ do: fc.constantFrom('withdraw' as const, 'again' as const), at: fc.nat(9) }),
          fc.record({ do: fc.constantFrom('step' as const, 'crash' as const, 'steps' as const) }),
        ),
        { maxLength: 25 },
      ),
      fc.integer({ min: 1, max: 9 }),
      async (pushes, actions, enough) => {
        const round = `q2-${nr++}`;
        const tag = (of: string) => `${round}:${of}`;
        const plan = await store.plan({
          '/a': [tag('a')],
          '/b': [tag('b')],
          '/c': [tag('c')],
          '/d': [tag('d')],
        });
        const data: { id: KnitId; kinds: string[]; gone: boolean }[] = [];
        const push = async (kinds: string[]) =>
          data.push({ id: await store.push(...kinds.map(tag)), kinds, gone: false });
        for (const kinds of pushes) await push(kinds);
        for (const action of actions) {
          const one = 'at' in action ? data[action.at] : undefined;
          if (action.do === 'push') await push([action.kind]);
          else if (action.do === 'withdraw' && one && !one.gone) {
            await store.tag(one.id, { removeKeys: [round] });
            one.gone = true;
          } else if (action.do === 'again' && one?.gone) {
            await store.tag(one.id, { add: one.kinds.map(tag) });
            one.gone = false;
          } else if (action.do === 'step') await step(enough);
          else if (action.do === 'crash') await step(enough, { crash: true }).catch(() => {});
          else if (action.do === 'steps') await Promise.all([step(enough), step(enough), step(enough)]);
        }
        await Promise.all([project(enough), project(enough), project(enough)]);
        await project(enough);
        const of = (each: string) => data.filter(({ kinds }) => kinds.includes(each));
        // All of what is there now, and of what was withdrawn what was made before.
        const all = of('a').flatMap((a) =>
          of('b').flatMap((b) => of('c').flatMap((c) => of('d').map((d) => [a, b, c, d]))),
        );
        const written = (rows: typeof all) => rows.map((row) => row.map(({ id }) => id).join(' ')).sort();
        const made = await combinations(plan);
        expect(new Set(made).size).toBe(made.length);
        expect(written(all)).toEqual(expect.arrayContaining(made));
        expect(made).toEqual(
          expect.arrayContaining(written(all.filter((row) => row.every(({ gone }) => !gone)))),
        );
      },
    ),
    { numRuns: 10 },
  );
});
