import { expectEqual, expectStatus } from '../expect.ts';
import type { Row } from '../row.ts';
import { idleRun } from './idle-run.ts';
import { unknownRun } from './unknown-run.ts';

export const runLog: Row = {
  name: 'GET /api/runs/{runId}/log',
  checks: {
    'is 503 before the Run is starting': async (world) => {
      const { run } = await idleRun(world, 'early-log');
      for (const query of ['', '?follow'])
        expectStatus(await world.wire.get(`/api/runs/${run.runId}/log${query}`), 503, `log${query}`);
    },
    'is not found where the Plan keeps none': async (world) => {
      const { run } = await idleRun(world, 'without-log', { log: null });
      expectStatus(await world.wire.get(`/api/runs/${run.runId}/log`), 404, 'log');
      const { upstream } = await world.upload();
      expectStatus(await world.wire.get(`/api/runs/${upstream.run.runId}/log`), 404, 'log of an upload');
    },
    'of no Run, or by a malformed id, is not found': unknownRun('GET', '/log'),
    'is empty until there is output, grows with follow, and stays': async (world) => {
      const plan = await world.executed(
        'log',
        'while [ ! -e /in/never ] && [ $((i=i+1)) -lt 30 ]; do sleep 0.1; done; echo one; sleep 1; echo two',
      );
      await world.data([world.tag('log-in')]);
      const running = await world.onlyRun(plan.planId, 'starting', 'running');
      const early = await world.wire.get(`/api/runs/${running.runId}/log`);
      expectEqual(
        [early.status, early.headers['content-type'], early.text],
        [200, 'application/octet-stream', ''],
        'early log',
      );
      const followed = await world.wire.get(`/api/runs/${running.runId}/log?follow`);
      expectEqual(followed.text, 'one\ntwo\n', 'followed log');
      await world.onlyRun(plan.planId, 'done');
      expectEqual(
        (await world.wire.get(`/api/runs/${running.runId}/log/`)).text,
        'one\ntwo\n',
        'log of a finished Run',
      );
    },
  },
};
