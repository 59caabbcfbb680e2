import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { Wire } from './wire.ts';

let server: KnitServer;
let wire: Wire;

beforeAll(async () => {
  server = await KnitServer.start();
  wire = new Wire(server.client.apiRoot);
});
afterAll(() => server[Symbol.asyncDispose]());

const plan = { image: 'host:scheduled', entrypoint: ['true'], inputs: [{ path: '/in', tags: ['a:b'] }] };

test('a Plan says when and how often its Runs are started, and keeps what is not changed', async () => {
  const given = { max_running: 3, priority: 7, retry: { error: 1, backoff: '1m30s' } };
  const { planId } = (await wire.post('/api/plans/', { ...plan, ...given })).json;
  const scheduled = async (change: object) =>
    (await wire.put(`/api/plans/${planId}/scheduling`, change)).json;
  expect(await scheduled({})).toMatchObject({
    max_running: 3,
    priority: 7,
    retry: { lost: 3, error: 1, backoff: '90s' },
  });
  expect(await scheduled({ max_running: null, priority: -2, retry: { lost: 0 } })).toMatchObject({
    priority: -2,
    retry: { lost: 0, error: 1, backoff: '90s' },
  });
  const plain = await scheduled({ priority: null, retry: null });
  expect(Object.keys(plain)).not.toEqual(expect.arrayContaining(['max_running', 'priority', 'retry']));
  expect((await wire.get(`/api/plans/${planId}`)).json).toEqual(plain);
});

test('scheduling is no part of a Plan’s identity', async () => {
  const image = 'host:equal';
  const { json } = await wire.post('/api/plans/', { ...plan, image });
  const again = await wire.post('/api/plans/', { ...plan, image, priority: 9 });
  expect([again.status, again.json.see]).toEqual([409, json.planId]);
});

test.each([
  [{ priority: 2000 }, /priority is 2000/],
  [{ max_running: 0 }, /max_running is 0/],
  [{ retry: { backoff: 'soon' } }, /not a positive duration/],
  [{ retry: { lost: 1.5 } }, /retry\.lost/],
])('%j is refused, and nothing is changed', async (change, reason) => {
  const { json } = await wire.post('/api/plans/', {
    ...plan,
    image: `host:${randomUUID()}`,
  });
  const { status, json: error } = await wire.put(`/api/plans/${json.planId}/scheduling`, change);
  expect([status, error.reason]).toEqual([400, expect.stringMatching(reason)]);
  expect((await wire.get(`/api/plans/${json.planId}`)).json).toEqual(json);
});

test('the system is paused with a reason, limited, and resumed', async () => {
  const limits = { max_running: null, inactive_above: 1000 };
  expect((await wire.get('/api/system')).json).toEqual({ limits });
  expect((await wire.put('/api/system/paused', { reason: 'backup' })).json).toEqual({
    paused: { since: expect.stringMatching(/\+00:00$/), reason: 'backup' },
    limits,
  });
  expect((await wire.put('/api/system/limits', { max_running: 2 })).json.limits).toEqual({
    ...limits,
    max_running: 2,
  });
  expect((await wire.put('/api/system/limits', { max_running: 0 })).status).toBe(400);
  expect((await wire.put('/api/system/limits', { max_running: null })).json.limits).toEqual(limits);
  expect((await wire.send('DELETE', '/api/system/paused')).json).toEqual({ limits });
});

test('the doctor names what is wrong, and mends what it can', async () => {
  expect((await wire.get('/api/doctor')).json.healthy).toBe(true);
  await mkdir(join(server.dataDirectory, 'local', 'volumes', 'data-of-nobody'));
  const sick = (await wire.get('/api/doctor')).json;
  expect(sick.healthy).toBe(false);
  expect(sick.findings).toContainEqual({
    invariant: 'stray volumes',
    rule: 'each volume is of a Data, or is to be destroyed',
    breaches: [{ subject: 'data-of-nobody', problem: 'no Data has this volume' }],
    more: false,
    mended: 'not asked for',
  });
  expect((await wire.send('POST', '/api/doctor')).json.healthy).toBe(true);
  expect((await wire.get('/api/doctor')).json.healthy).toBe(true);
});
