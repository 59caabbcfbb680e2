import { NotFound, type PlanId } from '@knitfab/core';
import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { type PlanGraph, type PlanGraphQuery, planGraph, snapshot } from '../src/index.ts';
import { testStore } from './fixture.ts';

const store = testStore();

const graphOf = (root: PlanId, rest: Partial<PlanGraphQuery> = {}): Promise<PlanGraph> =>
  snapshot(store.db, (tx) =>
    planGraph(tx, { root, direction: 'both', depth: Number.POSITIVE_INFINITY, ...rest }),
  );

const idsOf = ({ plans }: PlanGraph): PlanId[] => plans.map(({ planId }) => planId).sort();

/** A chain of Plans, each fed by the one before. */
async function chain(name: string, length: number): Promise<PlanId[]> {
  const plans: PlanId[] = [];
  for (let step = 0; step < length; step++) {
    plans.push(await store.plan({ '/in': [`${name}:${step}`] }, { '/out': [`${name}:${step + 1}`] }));
  }
  return plans;
}

test('the graph shows which output or log feeds which input', async () => {
  const prep = await store.plan(
    { '/in': ['g:raw'] },
    { '/out': ['g:clean', 'g:any'] },
    { log: { tags: [{ key: 'g', value: 'log' }] } },
  );
  const train = await store.plan({ '/clean': ['g:clean'], '/log': ['g:log'] }, {});
  expect(await graphOf(train)).toEqual({
    root: train,
    plans: expect.arrayContaining([
      { planId: prep, image: 'host:v1' },
      { planId: train, image: 'host:v1' },
    ]),
    edges: expect.arrayContaining([
      {
        from: { planId: prep, mountpoint: { path: '/out', tags: ['g:any', 'g:clean'] } },
        to: { planId: train, mountpoint: { path: '/clean', tags: ['g:clean'] } },
      },
      {
        from: { planId: prep, log: { tags: ['g:log'] } },
        to: { planId: train, mountpoint: { path: '/log', tags: ['g:log'] } },
      },
    ]),
    truncated: { up: false, down: false },
  });
});

test('the graph goes as far and in the direction that is asked for, and says where it goes on', async () => {
  const [first, second, third, fourth, fifth] = (await chain('d', 5)) as [
    PlanId,
    PlanId,
    PlanId,
    PlanId,
    PlanId,
  ];
  const near = await graphOf(third, { depth: 1 });
  expect(idsOf(near)).toEqual([second, third, fourth].sort());
  expect(near.truncated).toEqual({ up: true, down: true });
  const all = await graphOf(third, { depth: 2 });
  expect(idsOf(all)).toEqual([first, second, third, fourth, fifth].sort());
  expect(all.truncated).toEqual({ up: false, down: false });
  const up = await graphOf(third, { direction: 'up', depth: 1 });
  expect(idsOf(up)).toEqual([second, third].sort());
  expect(up.truncated).toEqual({ up: true, down: false });
  const alone = await graphOf(third, { depth: 0 });
  expect(alone).toMatchObject({ plans: [{ planId: third }], edges: [], truncated: { up: true, down: true } });
});

test('a graph with cycles ends, also where its depth is limited', async () => {
  const one = await store.plan({ '/in': ['c:a'] }, { '/out': ['c:b'] });
  const two = await store.plan({ '/in': ['c:b'] }, { '/out': ['c:a', 'c:b'] });
  for (const depth of [Number.POSITIVE_INFINITY, 1_000_000_000, 2]) {
    const graph = await graphOf(one, { depth });
    expect(idsOf(graph)).toEqual([one, two].sort());
    expect(graph.edges).toHaveLength(3);
    expect(graph.truncated).toEqual({ up: false, down: false });
  }
});

test('a pseudo plan is connected to nothing, and neither is an input that only pins a Data', async () => {
  const { rows } = await sql<{
    plan_id: PlanId;
  }>`select plan_id from plan where name = 'knit#uploaded'`.execute(store.db);
  const uploaded = rows[0]?.plan_id as PlanId;
  await store.plan({ '/in': ['knit#id:00000000-0000-4000-8000-000000000001'] }, {});
  expect(await graphOf(uploaded)).toEqual({
    root: uploaded,
    plans: [{ planId: uploaded, name: 'knit#uploaded' }],
    edges: [],
    truncated: { up: false, down: false },
  });
});

test('a Plan that is not there is not found', async () => {
  await expect(graphOf('00000000-0000-4000-8000-000000000000' as PlanId)).rejects.toThrow(NotFound);
});

test('any graph is what a search by hand finds', async () => {
  const tags = fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1, maxLength: 3 });
  const system = fc.array(fc.record({ input: tags, output: tags }), { minLength: 1, maxLength: 8 });
  const directions = fc.constantFrom('up' as const, 'down' as const, 'both' as const);
  let round = 0;
  await fc.assert(
    fc.asyncProperty(system, directions, fc.nat({ max: 4 }), async (plans, direction, depth) => {
      const name = `p${round++}`;
      const written = (values: string[]) => values.map((value) => `${name}:${value}`);
      const ids: PlanId[] = [];
      for (const [index, { input, output }] of plans.entries()) {
        // The path makes each a Plan of its own.
        ids.push(await store.plan({ [`/in/${index}`]: written(input) }, { '/out': written(output) }));
      }
      const graph = await graphOf(ids[0] as PlanId, { direction, depth });
      const feeds = (from: number, to: number) =>
        plans[to]?.input.every((tag) => plans[from]?.output.includes(tag)) ?? false;
      const expected = searchByHand(plans.length, feeds, direction, depth);
      expect(
        graph.edges.map(({ from, to }) => `${ids.indexOf(from.planId)}>${ids.indexOf(to.planId)}`).sort(),
      ).toEqual([...expected.edges].sort());
      expect(graph.truncated).toEqual(expected.truncated);
    }),
    { numRuns: 40 },
  );
});

/** Breadth first from 0. */
function searchByHand(
  count: number,
  feeds: (from: number, to: number) => boolean,
  direction: 'up' | 'down' | 'both',
  depth: number,
) {
  const edges = new Set<string>();
  const outside: Record<'up' | 'down', Set<string>> = { up: new Set(), down: new Set() };
  const all = Array.from({ length: count }, (_, index) => index);
  for (const way of ['up', 'down'] as const) {
    if (direction !== 'both' && direction !== way) continue;
    const seen = new Set([0]);
    let level = [0];
    for (let distance = 0; level.length > 0; distance++) {
      const found = level.flatMap((here) =>
        all
          .filter((there) => (way === 'up' ? feeds(there, here) : feeds(here, there)))
          .map((there) => ({ there, edge: way === 'up' ? `${there}>${here}` : `${here}>${there}` })),
      );
      for (const { edge } of found) (distance < depth ? edges : outside[way]).add(edge);
      if (distance === depth) break;
      level = [...new Set(found.map(({ there }) => there))].filter((there) => !seen.has(there));
      for (const there of level) seen.add(there);
    }
  }
  const goesOn = (way: 'up' | 'down') => [...outside[way]].some((edge) => !edges.has(edge));
  return { edges, truncated: { up: goesOn('up'), down: goesOn('down') } };
}
