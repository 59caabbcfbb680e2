import { z } from 'zod';
import { expectEqual, expectShape } from '../expect.ts';
import type { Row } from '../row.ts';
import { dataDetail } from '../shapes.ts';
import { idleRun } from './idle-run.ts';
import { unknownRun } from './unknown-run.ts';

export const getRun: Row = {
  name: 'GET /api/runs/{runId}/',
  checks: {
    'shows inputs, outputs and log with their Data, and the Plan in short': async (world) => {
      const { plan, data, run } = await idleRun(world, 'get-run', { annotations: ['case=get'] });
      const { planId, image, entrypoint, args, annotations } = plan;
      expectEqual(run.plan, { planId, image, entrypoint, args, annotations }, 'plan');
      expectEqual(
        run.inputs,
        [{ path: '/in', tags: [world.tag('get-run-in')], knitId: data.knitId }],
        'inputs',
      );
      expectEqual(
        run.outputs.map(({ path, tags }) => ({ path, tags })),
        [{ path: '/out', tags: [world.tag('get-run-out')] }],
        'outputs',
      );
      expectEqual(run.log?.tags, [world.tag('get-run-log')], 'tags of the log');
      expectEqual(run.exit, undefined, 'exit before the worker has ended');
      const [output] = expectShape(
        await world.wire.get(`/api/data?tag=${encodeURIComponent(`knit#id:${run.outputs[0]?.knitId}`)}`),
        z.array(dataDetail),
        'GET /api/data',
      );
      expectEqual(
        output?.tags.toSorted(),
        [`knit#id:${output?.knitId}`, 'knit#transient:processing', world.tag('get-run-out')].sort(),
        'tags of an output that is not there yet',
      );
      expectEqual(output?.upstream.run.runId, run.runId, 'upstream of the output');
      const [input] = expectShape(
        await world.wire.get(`/api/data?tag=${encodeURIComponent(`knit#id:${data.knitId}`)}`),
        z.array(dataDetail),
        'GET /api/data',
      );
      expectEqual(
        input?.downstreams.map(({ mountpoint, run: { runId } }) => ({ mountpoint, runId })),
        [{ mountpoint: { path: '/in', tags: [world.tag('get-run-in')] }, runId: run.runId }],
        'downstreams of the input',
      );
      expectEqual(
        input?.nomination,
        [
          {
            path: '/in',
            tags: [world.tag('get-run-in')],
            plan: { planId, image, entrypoint, args, annotations },
          },
        ],
        'nomination of the input',
      );
    },
    'has a log that is null where the Plan keeps none, and no outputs where it makes none': async (world) => {
      const { run } = await idleRun(world, 'no-log', { log: null, outputs: [] });
      expectEqual([run.log, run.outputs], [null, []], 'log and outputs');
    },
    'of no Run, or by a malformed id, is not found': unknownRun('GET', ''),
  },
};
