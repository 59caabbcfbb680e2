import { z } from 'zod';
import { filesOf } from '../archive.ts';
import { expectEqual, expectMatch, expectShape, expectTrue } from '../expect.ts';
import type { Row } from '../row.ts';
import { dataDetail } from '../shapes.ts';

export const executedRun: Row = {
  name: 'A Run that is executed',
  checks: {
    'starts when a Data fits, makes outputs and log, and ends with exit 0 and no message': async (world) => {
      const plan = await world.executed('good', 'cat /in/file.txt > /out/copy.txt; echo said');
      const { knitId } = await world.data([world.tag('good-in')]);
      const run = await world.onlyRun(plan.planId, 'done');
      expectEqual([run.exit, run.inputs[0]?.knitId], [{ code: 0, message: '' }, knitId], 'exit and input');
      const output = await world.wire.get(`/api/data/${run.outputs[0]?.knitId}`);
      expectEqual(filesOf(output.bytes), { 'copy.txt': 'content\n' }, 'files of the output');
      const [data] = expectShape(
        await world.wire.get(`/api/data?tag=${encodeURIComponent(`knit#id:${run.outputs[0]?.knitId}`)}`),
        z.array(dataDetail),
        'GET /api/data',
      );
      expectTrue(
        data?.tags.some((tag) => tag.startsWith('knit#timestamp:')) === true &&
          !data.tags.some((tag) => tag.startsWith('knit#transient:')),
        `tags of a finished output: ${data?.tags}`,
      );
      const [log] = expectShape(
        await world.wire.get(`/api/data?tag=${encodeURIComponent(`knit#id:${run.log?.knitId}`)}`),
        z.array(dataDetail),
        'GET /api/data',
      );
      expectEqual(
        [log?.upstream.log, log?.upstream.mountpoint],
        [{ tags: [world.tag('good-log')] }, undefined],
        'upstream of the log',
      );
    },
    'that fails keeps its tags, is marked, and says why, as in the example': async (world) => {
      const image = await world.executableImage();
      const plan = await world.executed('bad', 'exit 3', { annotations: ['case=exit3'] });
      const { knitId } = await world.data([world.tag('bad-in')]);
      const run = await world.onlyRun(plan.planId, 'failed');
      expectEqual(run.exit?.code, 3, 'exit.code');
      expectMatch(run.exit?.message, /^\(container main\) \w+$/, 'exit.message');
      const [output] = expectShape(
        await world.wire.get(`/api/data?tag=${encodeURIComponent(world.tag('bad-out'))}`),
        z.array(dataDetail),
        'GET /api/data',
      );
      expectTrue(
        output?.tags.includes('knit#transient:failed') === true,
        `tags of a failed output: ${output?.tags}`,
      );
      const { planId, entrypoint, args } = plan;
      const summary = { planId, image, entrypoint, args, annotations: ['case=exit3'] };
      const mountpoint = { path: '/in', tags: [world.tag('bad-in')] };
      const [input] = expectShape(
        await world.wire.get(`/api/data?tag=${encodeURIComponent(`knit#id:${knitId}`)}`),
        z.array(dataDetail),
        'GET /api/data',
      );
      expectEqual(
        input?.downstreams,
        [
          {
            mountpoint,
            run: {
              runId: run.runId,
              status: 'failed',
              updatedAt: run.updatedAt,
              exit: run.exit,
              plan: summary,
            },
          },
        ],
        'downstreams',
      );
      expectEqual(input?.nomination, [{ ...mountpoint, plan: summary }], 'nomination');
    },
    'is made once for each combination, also when a tag is taken off and put back': async (world) => {
      const inputs = [
        { path: '/a', tags: [world.tag('a')] },
        { path: '/b', tags: [world.tag('b')] },
      ];
      const plan = await world.executed('pairs', 'true', { inputs });
      const first = await world.data([world.tag('a')]);
      await world.data([world.tag('a')]);
      for (const _ of [1, 2, 3]) await world.data([world.tag('b')]);
      await world.runs(plan.planId, 6, ['done']);
      await world.wire.put(`/api/data/${first.knitId}`, { remove: [world.tag('a')] });
      await world.wire.put(`/api/data/${first.knitId}`, { add: [world.tag('a')] });
      await world.data([world.tag('b')]);
      await world.runs(plan.planId, 8, ['done']);
    },
  },
};
