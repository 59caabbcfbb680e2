import { z } from 'zod';
import { expectEqual, expectShape, expectSorted, expectStatus, expectTrue } from '../expect.ts';
import type { Row } from '../row.ts';
import { runDetail, statuses } from '../shapes.ts';
import { nobody, type World } from '../world.ts';
import { idleRun } from './idle-run.ts';

async function found(world: World, query: string) {
  return expectShape(
    await world.wire.get(`/api/runs?${query}`),
    z.array(runDetail),
    `GET /api/runs?${query}`,
  );
}

const ids = (runs: readonly { runId: string }[]): string[] => runs.map(({ runId }) => runId);

export const findRuns: Row = {
  name: 'GET /api/runs/',
  checks: {
    'finds by Plans, inputs, outputs and statuses, any of each list': async (world) => {
      const { plan, data, run } = await idleRun(world, 'runs');
      const output = run.outputs[0]?.knitId ?? '';
      const cases: [query: string, isFound: boolean][] = [
        [`plan=${plan.planId}`, true],
        [`plan=${nobody},${plan.planId}`, true],
        [`plan=${nobody}`, false],
        [`knitIdInput=${data.knitId}`, true],
        [`knitIdInput=${nobody}`, false],
        [`knitIdOutput=${nobody},${output}`, true],
        [`knitIdOutput=${run.log?.knitId}`, true],
        [`plan=${plan.planId}&status=done,deactivated`, true],
        [`plan=${plan.planId}&status=done`, false],
        [`plan=${plan.planId}&status=${statuses.join(',')}`, true],
        [`plan=${plan.planId}&weather=fine`, true],
      ];
      for (const [query, isFound] of cases)
        expectEqual(ids(await found(world, query)), isFound ? [run.runId] : [], query);
    },
    'takes since and duration, half-open, on updatedAt': async (world) => {
      const { plan, run } = await idleRun(world, 'since');
      const at = Date.parse(run.updatedAt);
      const moved = (milliseconds: number) => encodeURIComponent(new Date(at + milliseconds).toISOString());
      const cases: [query: string, isFound: boolean][] = [
        [`since=${moved(0)}`, true],
        [`since=${moved(1)}`, false],
        [`since=${moved(0)}&duration=1ms`, true],
        [`since=${moved(-1000)}&duration=1s`, false],
        [`since=${moved(-1000)}&duration=24h0m0s`, true],
      ];
      for (const [query, isFound] of cases)
        expectEqual(
          ids(await found(world, `plan=${plan.planId}&${query}`)),
          isFound ? [run.runId] : [],
          query,
        );
    },
    'is sorted by updatedAt, then runId': async (world) => {
      const plan = await world.plan('sorted');
      for (const _ of [1, 2, 3]) await world.data([world.tag('sorted-in')]);
      const runs = await world.runs(plan.planId, 3);
      expectSorted(runs, ({ updatedAt, runId }) => `${new Date(updatedAt).toISOString()} ${runId}`, 'order');
    },
    'refuses an unknown status, invalidated among them, and lists the known ones': async (world) => {
      for (const status of ['invalidated', 'sleeping', 'done,sleeping', 'DONE']) {
        const answer = await world.wire.get(`/api/runs?status=${status}`);
        expectStatus(answer, 400, `status=${status}`);
        const { message } = answer.json as { message: string };
        for (const known of statuses)
          expectTrue(message.includes(known), `the message does not list ${known}: ${message}`);
      }
    },
    'refuses malformed times and durations': async (world) => {
      for (const query of ['since=yesterday', 'duration=1h', 'since=2024-03-06T00:00:00Z&duration=-1s'])
        expectStatus(await world.wire.get(`/api/runs?${query}`), 400, query);
    },
  },
};
