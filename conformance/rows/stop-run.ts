import { expectEqual, expectShape, expectStatus, expectTrue } from '../expect.ts';
import type { Row } from '../row.ts';
import { runDetail } from '../shapes.ts';
import { idleRun } from './idle-run.ts';
import { unknownRun } from './unknown-run.ts';

export const stopRun: Row = {
  name: 'PUT /api/runs/{runId}/abort, /tearoff',
  checks: {
    'abort ends a Run that has not begun as a failure; tearoff is not for it (409)': async (world) => {
      const { plan, run } = await idleRun(world, 'abort-idle');
      expectStatus(
        await world.wire.put(`/api/runs/${run.runId}/tearoff`),
        409,
        'tearoff of a deactivated Run',
      );
      const { status } = expectShape(
        await world.wire.put(`/api/runs/${run.runId}/abort`),
        runDetail,
        'abort',
      );
      expectTrue(status === 'aborting' || status === 'failed', `status after abort: ${status}`);
      const failed = await world.onlyRun(plan.planId, 'failed');
      expectStatus(await world.wire.put(`/api/runs/${run.runId}/abort`), 409, 'abort of a failed Run');
      expectEqual(failed.exit?.code ?? 253, 253, 'exit.code');
    },
    'tearoff ends a running Run as a success, abort as a failure': async (world) => {
      for (const [request, next, end, code] of [
        ['tearoff', 'completing', 'done', 0],
        ['abort', 'aborting', 'failed', 253],
      ] as const) {
        const plan = await world.executed(request, 'echo kept > /out/file.txt; sleep 600');
        await world.data([world.tag(`${request}-in`)]);
        const { runId } = await world.onlyRun(plan.planId, 'running');
        const answer = expectShape(await world.wire.put(`/api/runs/${runId}/${request}`), runDetail, request);
        expectTrue(
          answer.status === next || answer.status === end,
          `status after ${request}: ${answer.status}`,
        );
        const run = await world.onlyRun(plan.planId, end);
        expectEqual(run.exit?.code, code, `exit.code after ${request}`);
        for (const again of ['tearoff', 'abort'])
          expectStatus(
            await world.wire.put(`/api/runs/${runId}/${again}`),
            409,
            `${again} of a Run that is ${end}`,
          );
      }
    },
    'of no Run, or by a malformed id, is not found': async (world) => {
      await unknownRun('PUT', '/abort')(world);
      await unknownRun('PUT', '/tearoff')(world);
    },
  },
};
