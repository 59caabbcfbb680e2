import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { entryNames, gzippedTree, md5, Wire } from './wire.ts';

let server: KnitServer;
let wire: Wire;
let tree: string;
const nobody = '00000000-0000-4000-8000-000000000000';
const timePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?\+00:00$/;

beforeAll(async () => {
  server = await KnitServer.start();
  wire = new Wire(server.client.apiRoot);
  tree = await mkdtemp(join(tmpdir(), 'knit-tree-'));
  await writeFile(join(tree, 'file'), 'one line\n');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(tree, { recursive: true });
});

const plan = (name: string, rest: object = {}) => ({
  image: `host:${name}`,
  entrypoint: ['sh', '-c', 'echo hello; cp /in/file /out/'],
  inputs: [{ path: '/in', tags: [`${name}:in`] }],
  outputs: [{ path: '/out', tags: [{ key: name, value: 'out' }] }],
  log: { tags: [`${name}:log`] },
  resources: { cpu: '100m', memory: '64Mi' },
  ...rest,
});

/** The Plan's Runs, once there are as many and all are in the status. */
async function runsOf(planId: string, status: string, count = 1) {
  for (;;) {
    const { json } = await wire.get(`/api/runs/?plan=${planId}`);
    if (json.length === count && json.every((run: { status: string }) => run.status === status)) return json;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a Data', () => {
  test('is uploaded with its checksum as a trailer, and downloaded as it was, with its checksum', async () => {
    const archive = await gzippedTree(tree);
    const { status, json } = await wire.upload(archive);
    expect(status).toBe(200);
    expect(json).toEqual({
      knitId: expect.any(String),
      tags: [`knit#id:${json.knitId}`, expect.stringMatching(/^knit#timestamp:.*\+00:00$/)],
      upstream: {
        mountpoint: { path: '/upload', tags: [] },
        run: {
          runId: expect.any(String),
          status: 'done',
          updatedAt: expect.stringMatching(timePattern),
          plan: { planId: expect.any(String), name: 'knit#uploaded' },
        },
      },
      downstreams: [],
      nomination: [],
    });
    const download = await wire.get(`/api/data/${json.knitId}`);
    expect(download.headers['content-type']).toBe('application/tar+gzip');
    expect(download.trailers['x-checksum-md5']).toBe(md5(download.bytes));
    expect(entryNames(download.bytes)).toContain('file');
  });

  test('is not made when the checksum is wrong, the stream is cut off or is no archive; its space is given back', async () => {
    const archive = await gzippedTree(tree);
    const volumes = join(server.dataDirectory, 'local', 'volumes');
    const before = (await wire.get('/api/data/')).json.length;
    const wrong = [
      await wire.upload(archive, md5(Buffer.from('other'))),
      await wire.upload(archive.subarray(0, archive.length - 20)),
      await wire.upload(Buffer.from('no archive at all')),
      await wire.upload(gzipSync(Buffer.alloc(100, 'x'))),
    ];
    expect(wrong.map((answer) => answer.status)).toEqual([400, 400, 400, 400]);
    for (const { json } of wrong) expect(json.reason).not.toBe('');
    expect((await wire.get('/api/data/')).json).toHaveLength(before);
    await expect.poll(async () => (await readdir(volumes)).length).toBe(before);
  });

  test('gets and loses user tags, removal first, given as text or as objects', async () => {
    const knitId = await wire.push(tree, 'tags:a', 'tags:b', 'other:c');
    const { json } = await wire.put(`/api/data/${knitId}/`, {
      add: [{ key: 'tags', value: ' kept ' }, '  trimmed :  too '],
      remove: ['other:c'],
      remove_key: ['tags'],
    });
    expect(json.tags.filter((tag: string) => !tag.startsWith('knit#'))).toEqual([
      'tags: kept ',
      'trimmed:too',
    ]);
    expect((await wire.put(`/api/data/${knitId}`, { add: null, remove: null })).status).toBe(200);
    for (const body of [
      { add: ['knit#id:x'] },
      { remove: ['knit#timestamp:x'] },
      { remove_key: ['knit#id'] },
      { add: ['none'] },
    ]) {
      expect((await wire.put(`/api/data/${knitId}`, body)).status).toBe(400);
    }
  });

  test('is found by all of its tags, oldest first, and by time with a half-open interval', async () => {
    const first = await wire.push(tree, 'find:x', 'find:"y"');
    const second = await wire.push(tree, 'find:x');
    const found = async (query: string) =>
      (await wire.get(`/api/data?${query}`)).json.map((each: { knitId: string }) => each.knitId);
    expect(await found('tag=find:x')).toEqual([first, second]);
    expect(await found(`tag=find:x&tag=${encodeURIComponent('find:"y"')}`)).toEqual([first]);
    expect(await found('tag=find:x&tag=knit%23transient:failed')).toEqual([]);
    expect(await found(`tag=knit%23id:${second}`)).toEqual([second]);
    const { json } = await wire.get(`/api/data?tag=${encodeURIComponent('find:"y"')}`);
    const since = encodeURIComponent(json[0].upstream.run.updatedAt);
    expect(await found(`tag=find:x&since=${since}`)).toEqual([first, second]);
    expect(await found(`tag=find:x&since=${since}&duration=1ms`)).toEqual([first]);
    expect((await wire.get('/api/data?duration=1h')).status).toBe(400);
    expect((await wire.get(`/api/data?since=${since}&duration=-1h`)).status).toBe(400);
    expect((await wire.get('/api/data?since=yesterday')).status).toBe(400);
  });
});

describe('a Plan', () => {
  test('is registered once; an equal one is refused and named', async () => {
    const { status, json } = await wire.post('/api/plans/', plan('once', { annotations: ['b=2', 'a=1'] }));
    expect(status).toBe(200);
    expect(json).toEqual({
      planId: expect.any(String),
      image: 'host:once',
      entrypoint: ['sh', '-c', 'echo hello; cp /in/file /out/'],
      annotations: ['a=1', 'b=2'],
      inputs: [{ path: '/in', tags: ['once:in'], upstreams: [] }],
      outputs: [{ path: '/out', tags: ['once:out'], downstreams: [] }],
      log: { tags: ['once:log'], downstreams: [] },
      active: true,
      resources: { cpu: '100m', memory: '64Mi' },
    });
    const again = await wire.post('/api/plans', plan('once', { active: false }));
    expect(again.status).toBe(409);
    expect(again.json).toMatchObject({ see: json.planId, reason: expect.stringContaining(json.planId) });
    expect((await wire.get(`/api/plans/${json.planId}`)).json).toEqual(json);
  });

  test.each([
    ['no inputs', { inputs: [] }],
    ['an input without tags', { inputs: [{ path: '/in', tags: [] }] }],
    ['overlapping paths', { outputs: [{ path: '/in/below', tags: [] }] }],
    ['a relative path', { inputs: [{ path: 'in', tags: ['a:b'] }] }],
    ['a system tag on an output', { outputs: [{ path: '/out', tags: ['knit#id:x'] }] }],
    ['knit#transient on an input', { inputs: [{ path: '/in', tags: ['knit#transient:failed'] }] }],
    ['text that is no image', { image: 'Not An Image' }],
    ['a bad quantity', { resources: { cpu: 'many' } }],
    ['an image that needs a container engine', { image: 'docker.io/library/busybox:1' }],
    ['more CPUs than the machine has', { resources: { cpu: '10k' } }],
  ])('is refused with %s', async (_, rest) => {
    const { status, json } = await wire.post('/api/plans/', plan('bad', rest));
    expect(status).toBe(400);
    expect(json.reason).not.toBe('');
  });

  test('names the Plans that it is connected to', async () => {
    const maker = (
      await wire.post('/api/plans/', plan('connect', { outputs: [{ path: '/out', tags: ['c:x', 'c:y'] }] }))
    ).json;
    const user = (await wire.post('/api/plans/', plan('user', { inputs: [{ path: '/in', tags: ['c:x'] }] })))
      .json;
    const summary = { planId: maker.planId, image: 'host:connect', entrypoint: maker.entrypoint };
    expect(user.inputs[0].upstreams).toEqual([
      { plan: summary, mountpoint: { path: '/out', tags: ['c:x', 'c:y'] } },
    ]);
    const { json } = await wire.get(`/api/plans/${maker.planId}`);
    expect(json.outputs[0].downstreams).toEqual([
      {
        plan: { ...summary, planId: user.planId, image: 'host:user' },
        mountpoint: { path: '/in', tags: ['c:x'] },
      },
    ]);
  });

  test('is found by activeness, image and tags', async () => {
    const { planId } = (await wire.post('/api/plans/', plan('found', { active: false }))).json;
    const found = async (query: string) =>
      (await wire.get(`/api/plans?${query}`)).json.map((each: { planId: string }) => each.planId);
    expect(await found('image=host:found')).toEqual([planId]);
    expect(await found('image=host:found&active=true')).toEqual([]);
    expect(await found('image=host&active=false&in_tag=found:in')).toEqual([planId]);
    expect(await found('out_tag=found:log')).toEqual([planId]);
    expect(await found('out_tag=found:log&out_tag=found:out')).toEqual([]);
    expect((await wire.get('/api/plans?active=maybe')).status).toBe(400);
  });

  test('changes what may change', async () => {
    const { planId } = (await wire.post('/api/plans/', plan('change', { active: false }))).json;
    const at = `/api/plans/${planId}`;
    expect((await wire.put(`${at}/active`)).json.active).toBe(true);
    expect((await wire.delete(`${at}/active`)).json.active).toBe(false);
    const resources = await wire.put(`${at}/resources`, { set: { cpu: '1500m' }, unset: ['memory'] });
    expect(resources.json.resources).toEqual({ cpu: '1500m' });
    const annotations = await wire.put(`${at}/annotations`, { add: ['a=1', 'a=2', 'b=1'] });
    expect(annotations.json.annotations).toEqual(['a=1', 'a=2', 'b=1']);
    const fewer = await wire.put(`${at}/annotations`, { add: ['a=3'], remove: ['b=1'], remove_key: ['a'] });
    expect(fewer.json.annotations).toEqual(['a=3']);
    expect(
      (await wire.put(`${at}/serviceaccount`, { service_account: 'trainer' })).json.service_account,
    ).toBe('trainer');
    expect((await wire.delete(`${at}/serviceaccount`)).json.service_account).toBeUndefined();
  });

  test('keeps what it has when a change is malformed, or more than the machine has', async () => {
    const { planId } = (await wire.post('/api/plans/', plan('malformed', { active: false }))).json;
    const at = `/api/plans/${planId}`;
    const before = (await wire.get(at)).json;
    const refused = [
      await wire.put(`${at}/resources`, { set: { cpu: 'banana' } }),
      await wire.put(`${at}/resources`, { set: { cpu: '10k' } }),
      await wire.put(`${at}/annotations`, { add: ['no equals sign'] }),
      await wire.put(`${at}/serviceaccount`, { service_account: 'Not Valid!' }),
    ];
    expect(refused.map((answer) => answer.status)).toEqual([400, 400, 400, 400]);
    expect((await wire.get(at)).json).toEqual(before);
  });
});

describe('a Run', () => {
  test('is started by a Data that fits, makes its outputs and its log, and is deleted after those that use it', async () => {
    const { planId } = (await wire.post('/api/plans/', plan('run'))).json;
    const user = (
      await wire.post('/api/plans/', plan('run2', { inputs: [{ path: '/in', tags: ['run:out'] }] }))
    ).json.planId;
    const knitId = await wire.push(tree, 'run:in');
    const [run] = await runsOf(planId, 'done');
    expect(run).toMatchObject({
      exit: { code: 0, message: '' },
      inputs: [{ path: '/in', tags: ['run:in'], knitId }],
      outputs: [{ path: '/out', tags: ['run:out'], knitId: expect.any(String) }],
      log: { tags: ['run:log'], knitId: expect.any(String) },
      execution: { driver: 'local' },
    });
    const log = await wire.get(`/api/runs/${run.runId}/log`);
    expect([log.headers['content-type'], log.bytes.toString()]).toEqual([
      'application/octet-stream',
      'hello\n',
    ]);
    const [using] = await runsOf(user, 'done');
    const refused = await wire.delete(`/api/runs/${run.runId}`);
    expect([refused.status, refused.json.see]).toEqual([409, using.runId]);
    expect((await wire.delete(`/api/runs/${using.runId}/`)).status).toBe(204);
    expect((await wire.delete(`/api/runs/${run.runId}/`)).status).toBe(204);
    expect((await wire.get(`/api/runs/${run.runId}`)).status).toBe(404);
    expect((await wire.get(`/api/data/${run.outputs[0].knitId}`)).status).toBe(404);
  });

  test('that fails says why, keeps its tags, is marked, and can be retried', async () => {
    const failing = plan('fail', { entrypoint: ['sh', '-c', 'exit 3'] });
    const { planId } = (await wire.post('/api/plans/', failing)).json;
    await wire.push(tree, 'fail:in');
    const [run] = await runsOf(planId, 'failed');
    expect(run.exit).toEqual({ code: 3, message: '(container main) Error' });
    const output = (await wire.get(`/api/data?tag=knit%23id:${run.outputs[0].knitId}`)).json[0];
    expect(output.tags).toContain('fail:out');
    expect(output.tags).toContain('knit#transient:failed');
    const retried = await wire.put(`/api/runs/${run.runId}/retry`);
    expect(retried.status).toBe(200);
    const [again] = await runsOf(planId, 'failed');
    expect(again.attempt).toBe(2);
    expect(again.outputs[0].knitId).not.toBe(run.outputs[0].knitId);
  });

  test('that is stopped ends as a success, one that is aborted as a failure; both at once', async () => {
    const sleeping = plan('sleep', { entrypoint: ['sh', '-c', 'echo early > /out/file; sleep 1000'] });
    const { planId } = (await wire.post('/api/plans/', sleeping)).json;
    await wire.push(tree, 'sleep:in');
    await wire.push(tree, 'sleep:in');
    const [one, two] = await runsOf(planId, 'running', 2);
    expect((await wire.put(`/api/runs/${one.runId}/tearoff`)).json).toMatchObject({
      status: 'completing',
      exit: { code: 0, message: 'stopped by user' },
    });
    expect((await wire.put(`/api/runs/${two.runId}/abort`)).json).toMatchObject({
      status: 'aborting',
      exit: { code: 253 },
    });
    expect((await wire.put(`/api/runs/${one.runId}/tearoff`)).status).toBe(409);
    await expect
      .poll(async () => (await wire.get(`/api/runs/${one.runId}`)).json.status, { timeout: 20_000 })
      .toBe('done');
    await expect
      .poll(async () => (await wire.get(`/api/runs/${two.runId}`)).json.status, { timeout: 20_000 })
      .toBe('failed');
    const kept = await wire.get(`/api/data/${one.outputs[0].knitId}`);
    expect(entryNames(kept.bytes)).toContain('file');
  });

  test('is found by plan, inputs, outputs and statuses; an unknown status is refused', async () => {
    const { planId } = (await wire.post('/api/plans/', plan('runs'))).json;
    const knitId = await wire.push(tree, 'runs:in');
    const [run] = await runsOf(planId, 'done');
    const found = async (query: string) =>
      (await wire.get(`/api/runs?${query}`)).json.map((each: { runId: string }) => each.runId);
    expect(await found(`plan=${planId},${nobody}&status=done,failed`)).toEqual([run.runId]);
    expect(await found(`knitIdInput=${knitId}`)).toEqual([run.runId]);
    expect(await found(`knitIdOutput=${run.log.knitId}`)).toEqual([run.runId]);
    expect(await found(`plan=${planId}&status=running`)).toEqual([]);
    const unknown = await wire.get('/api/runs?status=invalidated');
    expect([unknown.status, unknown.json.advice]).toEqual([400, expect.stringContaining('waiting')]);
  });

  test('whose Plan keeps no log has none, and one that has not started says so', async () => {
    const { log: _, ...silent } = plan('silent', { active: false });
    const quiet = (await wire.post('/api/plans/', silent)).json.planId;
    await wire.push(tree, 'silent:in');
    const [run] = await runsOf(quiet, 'deactivated');
    expect((await wire.get(`/api/runs/${run.runId}/log`)).status).toBe(404);
    const waiting = (await wire.post('/api/plans/', plan('mute', { active: false }))).json.planId;
    await wire.push(tree, 'mute:in');
    const [early] = await runsOf(waiting, 'deactivated');
    expect((await wire.get(`/api/runs/${early.runId}/log?follow`)).status).toBe(503);
  });
});

test('the lineage of a Data comes in one answer, both ways', async () => {
  const { planId } = (await wire.post('/api/plans/', plan('line'))).json;
  const knitId = await wire.push(tree, 'line:in');
  const [run] = await runsOf(planId, 'done');
  const { json } = await wire.get(`/api/lineage?knitId=${knitId}&depth=all`);
  expect(json.root).toBe(knitId);
  expect(json.data.map((each: { knitId: string }) => each.knitId).sort()).toEqual(
    [knitId, run.outputs[0].knitId, run.log.knitId].sort(),
  );
  expect(json.edges).toContainEqual({ runId: run.runId, knitId, role: 'input', path: '/in' });
  expect(json.edges).toContainEqual({ runId: run.runId, knitId: run.log.knitId, role: 'log' });
  const up = (await wire.get(`/api/lineage?runId=${run.runId}&direction=up`)).json;
  expect(up.data).toHaveLength(1);
  const shallow = (await wire.get(`/api/lineage?knitId=${knitId}&depth=0`)).json;
  expect([shallow.edges, shallow.truncated]).toEqual([[], { up: false, down: true }]);
  expect((await wire.get('/api/lineage')).status).toBe(400);
});

describe('what is wrong with a request', () => {
  test.each([
    ['GET', `/api/data/${nobody}`],
    ['PUT', `/api/data/${nobody}`],
    ['GET', `/api/plans/${nobody}`],
    ['PUT', `/api/plans/${nobody}/active`],
    ['GET', `/api/runs/${nobody}`],
    ['GET', `/api/runs/${nobody}/log`],
    ['PUT', `/api/runs/${nobody}/abort`],
    ['DELETE', `/api/runs/${nobody}`],
    ['GET', '/api/data/not-an-id'],
    ['GET', '/api/plans/not-an-id'],
    ['GET', '/api/runs/not-an-id'],
    ['GET', '/api/nothing'],
    ['GET', '/nothing'],
  ])('%s %s is not found', async (method, path) => {
    const { status, json } = await wire.send(method, path, method === 'PUT' ? { body: '{}' } : {});
    expect(status).toBe(404);
    expect(json).toMatchObject({ message: expect.any(String), reason: expect.any(String) });
  });

  test('a body is read whatever its Content-Type, and odd addresses are not found', async () => {
    const typed = await wire.send('POST', '/api/plans', {
      body: '{',
      headers: { 'content-type': 'garbage' },
    });
    expect([typed.status, typed.json.reason]).toEqual([400, expect.stringContaining('not JSON')]);
    expect((await wire.get('//')).status).toBe(404);
    const broken = await wire.get('/api/data/%E0%A4%A');
    expect([broken.status, broken.json.reason]).toEqual([expect.any(Number), expect.any(String)]);
    expect(broken.status).toBeLessThan(500);
    const early = await wire.get(
      `/api/data?tag=${encodeURIComponent('knit#timestamp:0000-01-01T00:00:00+00:00')}`,
    );
    expect(early.status).toBe(400);
    const knitId = await wire.push(tree, 'odd:x');
    expect((await wire.put(`/api/data/${knitId}`, { remove_key: ['a\u0000b'] })).status).toBe(400);
  });

  test.each([
    ['POST', '/api/runs/', 'GET'],
    ['PATCH', `/api/plans/${nobody}/active`, 'PUT, DELETE'],
    ['DELETE', '/api/data', 'GET, POST'],
  ])('%s %s is not allowed, and says what is', async (method, path, allow) => {
    const { status, headers } = await wire.send(method, path);
    expect([status, headers.allow]).toEqual([405, allow]);
  });

  test.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['a list', '[]'],
    ['a field of another type', JSON.stringify(plan('typed', { inputs: 'none' }))],
  ])('a body that is %s is malformed', async (_, body) => {
    const { status, json } = await wire.send('POST', '/api/plans', {
      body,
      headers: { 'content-type': 'text/plain' },
    });
    expect(status).toBe(400);
    expect(json.message).toContain(json.reason);
  });
});

test('the server tells its version, its health and its API', async () => {
  expect((await wire.get('/api/version')).json).toMatchObject({ compatibleWith: '1.6', driver: 'local' });
  expect((await wire.get('/healthz')).status).toBe(200);
  expect((await wire.get('/readyz')).status).toBe(200);
  expect((await wire.get('/api/openapi.json')).json.openapi).toMatch(/^3\.1/);
});
