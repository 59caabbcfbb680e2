import type { KnitId, PlanId } from '@knitfab/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { claimPlanToProject, deleteRun, setPlanActive, transaction } from '../src/index.ts';
import { testStore } from './fixture.ts';

const store = testStore();

test('2 Data for one input and 3 for another make 6 Runs, each with its own outputs', async () => {
  const plan = await store.plan(
    { '/a': ['p1:a'], '/b': ['p1:b'] },
    { '/out': ['p1:out'] },
    { log: { tags: [] } },
  );
  for (const tag of ['p1:a', 'p1:b', 'p1:a', 'p1:b', 'p1:b']) await store.push(tag);
  await store.project();
  const runs = await store.runsOf(plan);
  expect(runs).toHaveLength(6);
  expect(new Set(await store.combinationsOf(plan)).size).toBe(6);
  expect(new Set(runs.flatMap((run) => [run.outputs[0]?.knitId, run.log?.knitId])).size).toBe(12);
  expect(runs.map((run) => run.status)).toEqual(Array(6).fill('waiting'));
});

test('one Data may be the input twice over', async () => {
  const plan = await store.plan({ '/a': ['p2:x'], '/b': ['p2:x'] });
  const data = await store.push('p2:x');
  await store.project();
  expect(await store.combinationsOf(plan)).toEqual([`/a=${data} /b=${data}`]);
});

test('a tag that is taken off and put back starts nothing again, nor does a deleted Run', async () => {
  const plan = await store.plan({ '/a': ['p3:x'] });
  const data = await store.push('p3:x');
  await store.project();
  const [run] = await store.runsOf(plan);
  if (run) await transaction(store.db, (tx) => deleteRun(tx, run.runId));
  await store.tag(data, { remove: ['p3:x'] });
  await store.tag(data, { add: ['p3:x'] });
  await store.project();
  expect(await store.runsOf(plan)).toEqual([]);
});

test('a Data that is withdrawn before it is projected makes no Run', async () => {
  const plan = await store.plan({ '/a': ['p4:x'] });
  const data = await store.push('p4:x');
  await store.tag(data, { removeKeys: ['p4'] });
  await store.project();
  expect(await store.runsOf(plan)).toEqual([]);
});

test('Runs of an inactive Plan are deactivated, wait when it is activated, and go back', async () => {
  const plan = await store.plan({ '/a': ['p5:x'] }, {}, { active: false });
  await store.push('p5:x');
  await store.project();
  const statuses = async () => (await store.runsOf(plan)).map((run) => run.status);
  expect(await statuses()).toEqual(['deactivated']);
  await transaction(store.db, (tx) => setPlanActive(tx, plan, true));
  await store.push('p5:x');
  await store.project();
  expect(await statuses()).toEqual(['waiting', 'waiting']);
  await transaction(store.db, (tx) => setPlanActive(tx, plan, false));
  expect(await statuses()).toEqual(['deactivated', 'deactivated']);
});

test('a Plan with very many nominations does not hold up the others', async () => {
  const claim = (last?: PlanId) => transaction(store.db, (tx) => claimPlanToProject(tx, last));
  const plans = [await store.plan({ '/a': ['p7:x'] }), await store.plan({ '/b': ['p7:x'] })];
  await store.push('p7:x');
  const first = (await claim())?.planId;
  const second = (await claim(first))?.planId;
  const third = (await claim(second))?.planId;
  expect(new Set([first, second])).toEqual(new Set(plans));
  expect(third).toBe(first);
  await store.project();
});

test('many projectors at once, while Data come, make each combination exactly once', async () => {
  let nr = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), { minLength: 1, maxLength: 6 }),
      async (pushes) => {
        const round = `p6-${nr++}`;
        const plan = await store.plan({ '/a': [`${round}:a`], '/b': [`${round}:b`], '/c': [`${round}:c`] });
        const pushed = pushes.map(async (kinds) => ({
          kinds,
          id: await store.push(...kinds.map((kind) => `${round}:${kind}`)),
        }));
        await Promise.all([...pushed, ...Array.from({ length: 4 }, () => store.project())]);
        await store.project();
        const data = await Promise.all(pushed);
        const of = (kind: string): KnitId[] =>
          data.filter(({ kinds }) => kinds.includes(kind)).map(({ id }) => id);
        const product = of('a').flatMap((a) =>
          of('b').flatMap((b) => of('c').map((c) => `/a=${a} /b=${b} /c=${c}`)),
        );
        expect(await store.combinationsOf(plan)).toEqual(product.sort());
      },
    ),
    { numRuns: 15 },
  );
});
