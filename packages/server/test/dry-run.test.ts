import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planDryRun, startedRuns, why } from '@knitfab/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { Wire } from './wire.ts';

let server: KnitServer;
let wire: Wire;
let tree: string;
const nobody = '00000000-0000-4000-8000-000000000000';

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

const plan = (name: string) => ({
  image: `host:${name}`,
  entrypoint: ['cp', '/in/file', '/out/'],
  inputs: [{ path: '/in', tags: [`${name}:in`] }],
  outputs: [{ path: '/out', tags: [`${name}:out`] }],
});

test('a dry run of a Plan answers with what it would be, and registers nothing', async () => {
  const knitId = await wire.push(tree, 'p:in');
  const { status, json } = await wire.post('/api/plans/?dry_run=true', plan('p'));
  expect(status).toBe(200);
  expect(planDryRun.parse(json)).toEqual(json);
  expect(json.runs).toEqual({ count: 1, first: [{ inputs: [{ path: '/in', tags: ['p:in'], knitId }] }] });
  expect((await wire.get('/api/plans?image=host:p')).json).toEqual([]);
  expect((await wire.post('/api/plans?dry_run=true', { ...plan('p'), inputs: [] })).status).toBe(400);
  expect((await wire.post('/api/plans?dry_run=maybe', plan('p'))).status).toBe(400);
  const registered = (await wire.post('/api/plans?dry_run=false', plan('p'))).json.planId;
  expect((await wire.post('/api/plans?dry_run=true', plan('p'))).json.equalTo).toBe(registered);
});

test('dry runs of a push and of tags answer with the Runs that would start, and change nothing', async () => {
  const { planId } = (await wire.post('/api/plans', plan('t'))).json;
  const knitId = await wire.push(tree, 't:other');
  const change = { add: [{ key: 't', value: 'in' }], remove: ['t:other'] };
  for (const { status, json } of [
    await wire.put(`/api/data/${knitId}/?dry_run=true`, change),
    await wire.post('/api/data/?dry_run=true', { tags: ['t:in'] }),
  ]) {
    expect(status).toBe(200);
    expect(startedRuns.parse(json)).toEqual(json);
    expect(json).toMatchObject({ runs: { count: 1, byPlan: [{ plan: { planId }, count: 1 }] } });
  }
  const { json: data } = await wire.get(`/api/data?tag=${encodeURIComponent(`knit#id:${knitId}`)}`);
  expect(data[0].tags).toContain('t:other');
  expect((await wire.get(`/api/runs?plan=${planId}`)).json).toEqual([]);
  expect((await wire.put(`/api/data/${nobody}?dry_run=true`, change)).status).toBe(404);
  expect((await wire.post('/api/data?dry_run=true', { tags: ['knit#id:x'] })).status).toBe(400);
  expect((await wire.post('/api/data?dry_run=true', { tags: ['no tag'] })).status).toBe(400);
});

test('why answers for each input of a Plan', async () => {
  const { planId } = (await wire.post('/api/plans', plan('w'))).json;
  const knitId = await wire.push(tree, 'w:other');
  const { status, json } = await wire.get(`/api/why?knitId=${knitId}&planId=${planId}`);
  expect(status).toBe(200);
  expect(why.parse(json)).toEqual(json);
  expect(json).toMatchObject({ status: 'done', active: true, inputs: [{ path: '/in', missing: ['w:in'] }] });
  expect((await wire.get(`/api/why?knitId=${knitId}`)).status).toBe(400);
  expect((await wire.get(`/api/why?knitId=${nobody}&planId=${planId}`)).status).toBe(404);
  expect((await wire.get(`/api/why?knitId=${knitId}&planId=${nobody}`)).status).toBe(404);
  expect((await wire.get(`/api/why?knitId=x&planId=${planId}`)).status).toBe(404);
});

test('the client asks for all of them', async () => {
  const { client } = server;
  const planId = await server.register(plan('c'));
  const knitId = await server.push(tree, 'c:other');
  expect((await client.dryRunPlan(plan('c'))).equalTo).toBe(planId);
  expect((await client.dryRunTags(knitId, { add: ['c:in'] })).runs.count).toBe(1);
  expect((await client.dryRunUpload(['c:in'])).runs.byPlan[0]?.plan.planId).toBe(planId);
  expect((await client.getWhy(knitId, planId)).inputs[0]?.reason).toBe('it lacks c:in');
});
