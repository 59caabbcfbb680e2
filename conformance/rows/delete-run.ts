import { expectEqual, expectStatus, expectTrue } from '../expect.ts';
import type { Row } from '../row.ts';
import { idleRun } from './idle-run.ts';
import { unknownRun } from './unknown-run.ts';

export const deleteRun: Row = {
  name: 'DELETE /api/runs/{runId}/',
  checks: {
    'takes away a Run and its outputs, with 204; its combination is not run again': async (world) => {
      const { plan, data, run } = await idleRun(world, 'delete');
      const answer = await world.wire.delete(`/api/runs/${run.runId}/`);
      expectEqual([answer.status, answer.text], [204, ''], 'answer');
      expectStatus(await world.wire.get(`/api/runs/${run.runId}`), 404, 'the Run');
      expectStatus(await world.wire.delete(`/api/runs/${run.runId}`), 404, 'deleted again');
      expectStatus(await world.wire.get(`/api/data/${run.outputs[0]?.knitId}`), 404, 'its output');
      expectEqual((await world.wire.get(`/api/runs?plan=${plan.planId}`)).json, [], 'Runs of the Plan');
      await world.wire.put(`/api/data/${data.knitId}`, { remove: [world.tag('delete-in')] });
      await world.wire.put(`/api/data/${data.knitId}`, { add: [world.tag('delete-in')] });
      await world.data([world.tag('delete-in')]);
      const [other] = await world.runs(plan.planId, 1);
      expectTrue(other?.inputs[0]?.knitId !== data.knitId, 'the combination was run again');
    },
    'is refused (409) while another Run uses its output': async (world) => {
      const { plan, data, run } = await idleRun(world, 'used');
      expectStatus(
        await world.wire.delete(`/api/runs/${data.upstream.run.runId}`),
        409,
        'delete of an upload that is used',
      );
      expectStatus(await world.wire.delete(`/api/runs/${run.runId}`), 204, 'delete of the Run that uses it');
      expectStatus(
        await world.wire.delete(`/api/runs/${data.upstream.run.runId}`),
        204,
        'delete of the upload',
      );
      expectEqual(
        (await world.wire.get(`/api/data?tag=${encodeURIComponent(`knit#id:${data.knitId}`)}`)).json,
        [],
        'the Data',
      );
      expectEqual((await world.wire.get(`/api/runs?plan=${plan.planId}`)).json, [], 'Runs of the Plan');
    },
    'is refused (409) for a Run that is under way': async (world) => {
      const busy = await world.executed('busy', 'sleep 600');
      await world.data([world.tag('busy-in')]);
      const { runId } = await world.onlyRun(busy.planId, 'running');
      expectStatus(await world.wire.delete(`/api/runs/${runId}`), 409, 'delete of a running Run');
      await world.wire.put(`/api/runs/${runId}/abort`);
    },
    'of no Run, or by a malformed id, is not found': unknownRun('DELETE', ''),
  },
};
