import { z } from 'zod';
import { expectEqual, expectShape, expectStatus, expectTrue } from '../expect.ts';
import type { Row } from '../row.ts';
import { dataDetail, planDetail, runDetail } from '../shapes.ts';
import { nobody, tagged, userTags } from '../world.ts';

/** Methods by path, as the table has them; `ID` stands for any id. */
const methods: Readonly<Record<string, readonly string[]>> = {
  '/api/data': ['GET', 'POST'],
  '/api/data/ID': ['GET', 'PUT'],
  '/api/plans': ['GET', 'POST'],
  '/api/plans/ID': ['GET'],
  '/api/plans/ID/active': ['PUT', 'DELETE'],
  '/api/plans/ID/resources': ['PUT'],
  '/api/plans/ID/annotations': ['PUT'],
  '/api/plans/ID/serviceaccount': ['PUT', 'DELETE'],
  '/api/runs': ['GET'],
  '/api/runs/ID': ['GET', 'DELETE'],
  '/api/runs/ID/log': ['GET'],
  '/api/runs/ID/abort': ['PUT'],
  '/api/runs/ID/tearoff': ['PUT'],
  '/api/runs/ID/retry': ['PUT'],
};

export const general: Row = {
  name: 'General',
  checks: {
    'every path answers with and without a trailing "/"': async (world) => {
      const { planId } = await world.plan('slash');
      const { knitId, upstream } = await world.data([world.tag('slash')]);
      const same: [string, z.ZodType][] = [
        [`/api/data?tag=${world.tag('slash')}`, z.array(dataDetail)],
        [`/api/plans?in_tag=${world.tag('slash-in')}`, z.array(planDetail)],
        [`/api/plans/${planId}`, planDetail],
        [`/api/runs?knitIdOutput=${knitId}`, z.array(runDetail)],
        [`/api/runs/${upstream.run.runId}`, runDetail],
      ];
      for (const [path, shape] of same) {
        const slashed = path.includes('?') ? path.replace('?', '/?') : `${path}/`;
        expectEqual(
          expectShape(await world.wire.get(path), shape, path),
          expectShape(await world.wire.get(slashed), shape, slashed),
          slashed,
        );
      }
      for (const path of [`/api/data/${knitId}`, `/api/data/${knitId}/`])
        expectStatus(await world.wire.get(path), 200, path);
      for (const path of [`/api/plans/${planId}/active/`, `/api/plans/${planId}/active`])
        expectStatus(await world.wire.delete(path), 200, path);
    },
    'a path with another method is 405, with Allow': async (world) => {
      for (const [path, allowed] of Object.entries(methods)) {
        for (const method of ['PATCH', 'POST', 'DELETE', 'PUT']
          .filter((each) => !allowed.includes(each))
          .slice(0, 2)) {
          const answer = await world.wire.send(method, path.replace('ID', nobody));
          expectStatus(answer, 405, `${method} ${path}`);
          const allow = (answer.headers.allow ?? '')
            .split(',')
            .map((each) => each.trim())
            .filter((each) => each !== 'HEAD' && each !== 'OPTIONS');
          expectEqual(allow.sort(), [...allowed].sort(), `Allow of ${method} ${path}`);
        }
      }
    },
    'a path that there is not is 404, and so is the internal API': async (world) => {
      for (const path of [
        '/api/nothing',
        `/api/plans/${nobody}/nothing`,
        `/api/backend/data/${nobody}`,
        `/api/backend/runs/${nobody}/log`,
      ])
        expectStatus(await world.wire.get(path), 404, `GET ${path}`);
    },
    'an id is found in either case': async (world) => {
      const { planId } = await world.plan('case');
      expectEqual(
        expectShape(
          await world.wire.get(`/api/plans/${planId.toUpperCase()}`),
          planDetail,
          'GET by an id in capitals',
        ).planId,
        planId,
        'planId',
      );
    },
    'a body is JSON whatever its Content-Type, also without one and without a Content-Length': async (
      world,
    ) => {
      const { knitId } = await world.upload();
      const types = [
        'text/plain',
        'application/x-www-form-urlencoded',
        'application/json; charset=utf-8',
        'application/octet-stream',
        'garbage',
        '',
      ];
      for (const [at, type] of types.entries()) {
        const sent = {
          body: JSON.stringify({ add: [world.tag(`type-${at}`)] }),
          ...(type !== '' && { headers: { 'content-type': type } }),
          chunked: at % 2 === 1,
        };
        const data = expectShape(
          await world.wire.send('PUT', `/api/data/${knitId}`, sent),
          dataDetail,
          `Content-Type ${type}`,
        );
        expectTrue(
          data.tags.includes(world.tag(`type-${at}`)),
          `the tag of a body of Content-Type "${type}" was not added`,
        );
      }
    },
    'JSON is UTF-8, tags come back as they were given': async (world) => {
      const { knitId } = await world.upload();
      const values = ['ガ', 'カ\u3099', '日本語', '🧶', '"\\/', 'a:b', 'x\u00a0y', '\u00a0', ''];
      const add = values.map((value) => ({ key: world.mark, value }));
      expectEqual(
        userTags(await tagged(world, knitId, { add })),
        values.map((value) => `${world.mark}:${value}`).sort(),
        'tags',
      );
    },
    'times have a numeric offset on output': async (world) => {
      const answer = await world.wire.get(
        `/api/runs?since=${encodeURIComponent(new Date(Date.now() - 60_000).toISOString())}`,
      );
      expectShape(answer, z.array(runDetail), 'GET /api/runs');
    },
  },
};
