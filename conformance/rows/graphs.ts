import { z } from 'zod';
import { expectEqual, expectShape, expectStatus, expectTrue } from '../expect.ts';
import type { Row } from '../row.ts';
import { planSummary, runSummary } from '../shapes.ts';
import type { World } from '../world.ts';

const truncated = z.object({ up: z.boolean(), down: z.boolean() });

const lineage = z.object({
  root: z.string(),
  data: z.array(z.object({ knitId: z.string(), tags: z.array(z.string()) })),
  runs: z.array(runSummary),
  edges: z.array(
    z.object({
      runId: z.string(),
      knitId: z.string(),
      role: z.enum(['input', 'output', 'log']),
      path: z.string().optional(),
    }),
  ),
  truncated,
});

const planEnd = z.object({
  planId: z.string(),
  mountpoint: z.unknown().optional(),
  log: z.unknown().optional(),
});
const planGraph = z.object({
  root: z.string(),
  plans: z.array(planSummary),
  edges: z.array(z.object({ from: planEnd, to: planEnd })),
  truncated,
});

const chained = async (world: World, name: string) => {
  const first = await world.plan(`${name}-1`, {
    inputs: [{ path: '/in', tags: [world.tag(`${name}-0`)] }],
    outputs: [{ path: '/out', tags: [world.tag(`${name}-a`)] }],
  });
  const second = await world.plan(`${name}-2`, {
    inputs: [{ path: '/in', tags: [world.tag(`${name}-a`)] }],
    outputs: [],
    log: null,
  });
  return { first, second };
};

/** The additions that answer with graphs. */
export const graphs: Row['checks'] = {
  'GET /api/lineage: the graph of a Data or a Run, by direction and depth': async (world) => {
    await world.needs('/api/lineage');
    const plan = await world.plan('line');
    const { knitId, upstream } = await world.data([world.tag('line-in')]);
    const run = await world.onlyRun(plan.planId);
    const get = async (query: string) =>
      expectShape(await world.wire.get(`/api/lineage?${query}`), lineage, query);
    const whole = await get(`knitId=${knitId}&depth=all`);
    expectEqual(
      whole.data.map((each) => each.knitId).sort(),
      [knitId, run.outputs[0]?.knitId, run.log?.knitId].sort(),
      'Data',
    );
    expectEqual(whole.runs.map(({ runId }) => runId).sort(), [upstream.run.runId, run.runId].sort(), 'Runs');
    expectEqual([whole.root, whole.truncated], [knitId, { up: false, down: false }], 'root and truncated');
    expectEqual(
      (await get(`runId=${run.runId}&direction=up&depth=all`)).data.map((each) => each.knitId),
      [knitId],
      'Data upstream of the Run',
    );
    expectEqual((await get(`knitId=${knitId}&direction=down&depth=0`)).edges, [], 'edges at depth 0');
    for (const bad of [
      '',
      'knitId=x&runId=y',
      `knitId=${knitId}&direction=left`,
      `knitId=${knitId}&depth=-1`,
    ])
      expectTrue(
        [400, 404].includes((await world.wire.get(`/api/lineage?${bad}`)).status),
        `"${bad}" was taken`,
      );
    expectStatus(
      await world.wire.get('/api/lineage?knitId=00000000-0000-4000-8000-000000000000'),
      404,
      'lineage of no Data',
    );
  },
  'GET /api/plans/{planId}/graph: the Plans up and down from one': async (world) => {
    await world.needs('/api/plans/{planId}/graph');
    const { first, second } = await chained(world, 'graph');
    const get = async (planId: string, query: string) =>
      expectShape(await world.wire.get(`/api/plans/${planId}/graph?${query}`), planGraph, query);
    const down = await get(first.planId, 'direction=down&depth=all');
    expectEqual(
      down.plans.map(({ planId }) => planId).sort(),
      [first.planId, second.planId].sort(),
      'Plans down',
    );
    expectEqual(
      down.edges.map(({ from, to }) => [from.planId, to.planId]),
      [[first.planId, second.planId]],
      'edges down',
    );
    expectEqual(
      (await get(second.planId, 'direction=down')).plans.map(({ planId }) => planId),
      [second.planId],
      'Plans down from the last',
    );
    expectEqual(
      (await get(second.planId, 'direction=up&depth=all')).plans.length,
      2,
      'Plans up from the last',
    );
    expectStatus(
      await world.wire.get(`/api/plans/${first.planId}/graph?direction=left`),
      400,
      'a direction that is none',
    );
    expectStatus(await world.wire.get('/api/plans/no-id/graph'), 404, 'a malformed id');
  },
};
