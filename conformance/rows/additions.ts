import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { gzippedTar } from '../archive.ts';
import { expectEqual, expectMatch, expectShape, expectStatus, expectTrue, NotTried } from '../expect.ts';
import type { Row } from '../row.ts';
import { dataDetail, runDetail } from '../shapes.ts';
import type { World } from '../world.ts';
import { graphs } from './graphs.ts';

// What this implementation adds to 1.6 ("New in this implementation"): each is tried where the server describes it in its
// OpenAPI document.

/** Says what the path's operation has as a parameter. */
async function needsParameter(world: World, path: string, name: string, method = 'get'): Promise<void> {
  const operation = (
    (await world.paths())[path] as Record<string, { parameters?: { name: string }[] }> | undefined
  )?.[method];
  if (!operation?.parameters?.some((parameter) => parameter.name === name))
    throw new NotTried(`the server has no parameter ${name} of ${path}`);
}

/** Follows the `rel="next"` links from a first page to the last. */
async function pages(world: World, first: string): Promise<unknown[][]> {
  const list: unknown[][] = [];
  for (let path: string | undefined = first; path !== undefined && list.length < 20; ) {
    const answer = await world.wire.get(path);
    expectStatus(answer, 200, `GET ${path}`);
    list.push(answer.json as unknown[]);
    path = /<([^>]+)>;\s*rel="next"/.exec(String(answer.headers.link ?? ''))?.[1];
  }
  return list;
}

export const additions: Row = {
  name: 'Additions to 1.6',
  checks: {
    'errors have a reason, and an advice where there is one; the message is both': async (world) => {
      await world.paths();
      const { json } = await world.wire.get('/api/runs?status=sleeping');
      const { message, reason, advice } = z
        .object({ message: z.string(), reason: z.string().min(1), advice: z.string().min(1) })
        .parse(json);
      expectTrue(message.includes(reason) && message.includes(advice), `message ${message}`);
    },
    'a refused Plan names the equal one in see': async (world) => {
      await world.paths();
      const spec = await world.spec('see');
      const { planId } = await world.register(spec);
      expectEqual(
        (await world.wire.post('/api/plans', spec)).json,
        { ...((await world.wire.post('/api/plans', spec)).json as object), see: planId },
        'the error',
      );
    },
    'retry answers with the Run': async (world) => {
      await world.paths();
      const plan = await world.plan('retry-answer');
      await world.data([world.tag('retry-answer-in')]);
      const { runId } = await world.onlyRun(plan.planId, 'deactivated');
      await world.wire.put(`/api/runs/${runId}/abort`);
      await world.onlyRun(plan.planId, 'failed');
      expectEqual(
        expectShape(await world.wire.put(`/api/runs/${runId}/retry`), runDetail, 'retry').runId,
        runId,
        'runId',
      );
    },
    ...graphs,
    'limit and cursor: pages of the three lists, linked by Link, are the whole list': async (world) => {
      for (const path of ['/api/data', '/api/plans', '/api/runs']) await needsParameter(world, path, 'limit');
      const plans = await Promise.all(
        ['page-1', 'page-2', 'page-3'].map((name) =>
          world.plan(name, { inputs: [{ path: '/in', tags: [world.tag('page')] }] }),
        ),
      );
      await world.data([world.tag('page')]);
      await world.data([world.tag('page')]);
      const planIds = plans.map(({ planId }) => planId);
      for (const { planId } of plans) await world.runs(planId, 2);
      for (const [list, size] of [
        [`/api/data?tag=${world.tag('page')}`, 2],
        [`/api/plans?in_tag=${world.tag('page')}`, 3],
        [`/api/runs?plan=${planIds.join(',')}`, 6],
      ] as const) {
        const whole = (await world.wire.get(list)).json as unknown[];
        expectEqual(whole.length, size, `length of ${list}`);
        for (const limit of [1, 2, 100]) {
          const parts = await pages(world, `${list}&limit=${limit}`);
          expectEqual(parts.flat(), whole, `pages of ${limit} of ${list}`);
          expectTrue(
            parts.every((part) => part.length <= limit),
            `a page of ${list} is longer than ${limit}`,
          );
        }
        for (const bad of ['limit=0', 'limit=10001', 'limit=many', 'limit=1&cursor=nonsense'])
          expectStatus(await world.wire.get(`${list}&${bad}`), 400, `${list}&${bad}`);
      }
    },
    'GET /api/events: changes of Runs and Data as server-sent events, resumed after Last-Event-ID': async (
      world,
    ) => {
      await world.needs('/api/events');
      const accept = { accept: 'text/event-stream' };
      const tag = world.tag('event');
      const data = await world.upload();
      const listening = world.wire.stream('/api/events', accept, (text) => text.includes(tag));
      await setTimeout(300);
      await world.wire.put(`/api/data/${data.knitId}`, { add: [tag] });
      const { status, headers, text } = await listening;
      expectEqual(status, 200, 'status');
      expectMatch(headers['content-type'], /^text\/event-stream/, 'Content-Type');
      const event = text.split('\n\n').find((each) => each.includes(tag)) ?? '';
      expectMatch(event, /^event: data$/m, 'event');
      const id = /^id: ?(.+)$/m.exec(event)?.[1] ?? '';
      expectTrue(id !== '', `the event has no id: ${event}`);
      await world.wire.put(`/api/data/${data.knitId}`, { add: [world.tag('event-later')] });
      const resumed = await world.wire.stream('/api/events', { ...accept, 'last-event-id': id }, (all) =>
        all.includes(world.tag('event-later')),
      );
      expectMatch(resumed.text, /^event: data$/m, 'event that was missed');
      const lost = await world.wire.stream('/api/events', { ...accept, 'last-event-id': 'nonsense' }, (all) =>
        all.includes('event: reset'),
      );
      expectMatch(lost.text, /^event: reset$/m, 'event after an id that nobody knows');
    },
    'POST /api/plans?dry_run=true: what a Plan would do, without registering it': async (world) => {
      await needsParameter(world, '/api/plans', 'dry_run', 'post');
      const { knitId } = await world.data([world.tag('dry-in')]);
      const spec = await world.spec('dry');
      const answer = await world.wire.post('/api/plans?dry_run=true', spec);
      expectStatus(answer, 200, 'dry run');
      const { runs, plan, equalTo } = answer.json as {
        runs: { count: number; first: { inputs: { path: string; knitId: string }[] }[] };
        plan: { planId?: string };
        equalTo?: string;
      };
      expectEqual(
        [runs.count, runs.first[0]?.inputs[0]?.knitId, plan.planId, equalTo],
        [1, knitId, undefined, undefined],
        'Runs that it would make',
      );
      expectEqual(
        (await world.wire.get(`/api/plans?in_tag=${world.tag('dry-in')}`)).json,
        [],
        'Plans after the dry run',
      );
      const { planId } = await world.register(spec);
      expectEqual(
        ((await world.wire.post('/api/plans?dry_run=true', spec)).json as { equalTo?: string }).equalTo,
        planId,
        'equalTo',
      );
      expectStatus(
        await world.wire.post('/api/plans?dry_run=true', { ...spec, image: '' }),
        400,
        'dry run of what is no Plan',
      );
    },
    'plain tar goes both ways': async (world) => {
      await world.paths();
      const { knitId } = await world.upload({ 'file.txt': 'content\n' });
      const plain = await world.wire.send('GET', `/api/data/${knitId}`, {
        headers: { accept: 'application/x-tar' },
      });
      expectEqual(
        [plain.status, plain.headers['content-type']],
        [200, 'application/x-tar'],
        'plain download',
      );
      const again = await world.wire.send('POST', '/api/data', {
        body: plain.bytes,
        headers: { 'content-type': 'application/x-tar' },
        chunked: true,
      });
      world.remember(expectShape(again, dataDetail, 'plain upload'));
      const gzipped = await world.wire.send('GET', `/api/data/${knitId}`, {
        headers: { accept: 'application/tar+gzip, application/x-tar;q=0.5' },
      });
      expectEqual(
        gzipped.headers['content-type'],
        'application/tar+gzip',
        'Content-Type where gzip is preferred',
      );
      expectStatus(
        await world.wire.send('POST', '/api/data', {
          body: gzippedTar({}),
          headers: { 'content-type': 'application/x-tar' },
          chunked: true,
        }),
        400,
        'a gzipped archive that is called plain',
      );
    },
    'GET /api/version': async (world) => {
      await world.needs('/api/version');
      const { json } = await world.wire.get('/api/version');
      z.object({
        version: z.string(),
        compatibleWith: z.string(),
        driver: z.string(),
        contentTypes: z.array(z.string()),
      }).parse(json);
    },
    '/healthz and /readyz': async (world) => {
      for (const path of ['/healthz', '/readyz']) {
        await world.needs(path);
        expectStatus(await world.wire.get(path), 200, path);
      }
    },
    '/metrics: Prometheus text': async (world) => {
      await world.needs('/metrics');
      const { status, headers, text } = await world.wire.get('/metrics');
      expectEqual(status, 200, 'status');
      expectMatch(
        headers['content-type'],
        /^(text\/plain; version=0\.0\.4|application\/openmetrics-text)/,
        'Content-Type',
      );
      expectMatch(text, /^# TYPE \w+ (counter|gauge|histogram|summary)$/m, 'text');
    },
    'GET /api/openapi.json describes every path of the table': async (world) => {
      const paths = Object.keys(await world.paths());
      const wanted = [
        '/api/data',
        '/api/data/{knitId}',
        '/api/plans',
        '/api/plans/{planId}',
        '/api/plans/{planId}/active',
        '/api/plans/{planId}/resources',
        '/api/plans/{planId}/annotations',
        '/api/plans/{planId}/serviceaccount',
        '/api/runs',
        '/api/runs/{runId}',
        '/api/runs/{runId}/log',
        '/api/runs/{runId}/abort',
        '/api/runs/{runId}/tearoff',
        '/api/runs/{runId}/retry',
      ];
      for (const path of wanted) expectTrue(paths.includes(path), `${path} is not described`);
    },
    'GET /api/reference: a page, served without other servers': async (world) => {
      await world.needs('/api/reference');
      const { status, headers, text } = await world.wire.get('/api/reference');
      expectEqual(status, 200, 'status');
      expectMatch(headers['content-type'], /^text\/html/, 'Content-Type');
      expectTrue(!/(src|href)="https?:/.test(text), 'the page asks other servers');
    },
  },
};
