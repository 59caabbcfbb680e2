import { expectEqual, expectStatus, expectTrue } from '../expect.ts';
import type { Row } from '../row.ts';
import { idleRun } from './idle-run.ts';
import { unknownRun } from './unknown-run.ts';

export const retryRun: Row = {
  name: 'PUT /api/runs/{runId}/retry',
  checks: {
    'gives a failed Run new outputs and sends it back': async (world) => {
      const { plan, run } = await idleRun(world, 'retry');
      expectStatus(
        await world.wire.put(`/api/runs/${run.runId}/retry`),
        409,
        'retry of a Run that has not finished',
      );
      await world.wire.put(`/api/runs/${run.runId}/abort`);
      const failed = await world.onlyRun(plan.planId, 'failed');
      const answer = await world.wire.put(`/api/runs/${run.runId}/retry`);
      expectEqual(answer.status, 200, 'status of the answer');
      const again = await world.onlyRun(plan.planId, 'waiting', 'deactivated');
      expectEqual(again.runId, run.runId, 'runId');
      expectTrue(again.outputs[0]?.knitId !== failed.outputs[0]?.knitId, 'the output is the old one');
      expectStatus(await world.wire.get(`/api/data/${failed.outputs[0]?.knitId}`), 404, 'the old output');
    },
    'is not for uploads (409)': async (world) => {
      const { upstream } = await world.upload();
      expectStatus(await world.wire.put(`/api/runs/${upstream.run.runId}/retry`), 409, 'retry of an upload');
    },
    'of no Run, or by a malformed id, is not found': unknownRun('PUT', '/retry'),
  },
};
