import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { Wire } from './wire.ts';

let server: KnitServer;
let wire: Wire;
let tree: string;

beforeAll(async () => {
  server = await KnitServer.start();
  wire = new Wire(server.client.apiRoot);
  tree = await mkdtemp(join(tmpdir(), 'knit-tree-'));
  await writeFile(join(tree, 'file'), 'x'.repeat(100_000));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(tree, { recursive: true });
});

/** Reads the metrics: the values of all series by name and labels. */
async function scraped() {
  const { status, headers, bytes } = await wire.get('/metrics');
  const text = bytes.toString();
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([^#\s]\S*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) series.set(name, Number(value));
  }
  const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? '');
  return { status, headers, names, value: (name: string) => series.get(name), series };
}

/** Scrapes until a value is as it should be: what the database tells is fresh after a second. */
async function until(name: string, fits: (value: number | undefined) => boolean) {
  for (;;) {
    const metrics = await scraped();
    if (fits(metrics.value(name))) return metrics;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('loops, Runs, transfers and requests are counted as they happen', async () => {
  const before = await scraped();
  expect(before.status).toBe(200);
  expect(before.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  const knitId = await server.push(tree, 'm:in');
  const planId = await server.register({
    image: 'host:metrics',
    entrypoint: ['true'],
    inputs: [{ path: '/in', tags: ['m:in'] }],
    outputs: [{ path: '/out', tags: [] }],
  });
  const [run] = await server.finished(planId, 1);
  await wire.get(`/api/data/${knitId}`);
  await wire.get('/api/nothing/of/the/kind');
  const { value, series } = await until('knit_runs{status="done"}', (runs) => runs === 2);
  expect(value('knit_database_up')).toBe(1);
  expect(value('knit_runs{status="waiting"}')).toBe(0);
  for (const loop of ['projection', 'initialize', 'run-management (start)', 'finishing']) {
    expect(value(`knit_loop_rows_total{loop="${loop}",outcome="done"}`), loop).toBe(1);
    expect(value(`knit_loop_step_seconds_count{loop="${loop}"}`), loop).toBeGreaterThan(0);
    expect(value(`knit_loop_waiting_rows{loop="${loop}"}`), loop).toBe(0);
    expect(value(`knit_loop_oldest_waiting_seconds{loop="${loop}"}`), loop).toBe(0);
  }
  expect(value('knit_transfer_seconds_count{direction="push",outcome="done"}')).toBe(1);
  expect(value('knit_transfer_bytes_total{direction="push"}')).toBeGreaterThan(100_000);
  expect(value('knit_transfer_seconds_count{direction="pull",outcome="done"}')).toBe(1);
  expect(value('knit_transfer_bytes_total{direction="pull"}')).toBeGreaterThan(100);
  expect(value('knit_transfers_in_flight{direction="push"}')).toBe(0);
  expect(value('knit_http_request_seconds_count{method="POST",route="/api/plans",status="200"}')).toBe(1);
  expect(value('knit_http_request_seconds_count{method="GET",route="none",status="404"}')).toBe(1);
  expect([...series.keys()].filter((name) => name.includes('nothing'))).toEqual([]);
  // What is deleted becomes garbage, and is gone.
  await wire.delete(`/api/runs/${run?.runId}`);
  const collected = 'knit_loop_rows_total{loop="garbage-collection",outcome="done"}';
  await until(collected, (rows) => (rows ?? 0) > 0);
  await until('knit_runs{status="done"}', (runs) => runs === 1);
});

test('an upload that fails is a failed transfer', async () => {
  await wire.upload(Buffer.from('no archive at all'));
  const { value } = await scraped();
  expect(value('knit_transfer_seconds_count{direction="push",outcome="failed"}')).toBe(1);
});

test('Runs that wait, and for how long, are told', async () => {
  await wire.post('/api/plans', {
    image: 'host:wait',
    entrypoint: ['true'],
    inputs: [{ path: '/in', tags: ['m:wait'] }],
    outputs: [],
    active: false,
  });
  await server.push(tree, 'm:wait');
  await until('knit_runs{status="deactivated"}', (runs) => runs === 1);
});

test('readers of events are counted', async () => {
  const ending = new AbortController();
  const events = server.client.events({ signal: ending.signal });
  const next = events.next();
  await until('knit_event_readers', (readers) => readers === 1);
  ending.abort();
  await next;
  await until('knit_event_readers', (readers) => readers === 0);
});

test('every metric is in the documentation, and no other', async () => {
  const { names } = await scraped();
  const own = names.filter((name) => name.startsWith('knit_')).sort();
  const documentation = await readFile(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const [common = ''] = documentation.split('## Only on Kubernetes');
  const described = [...common.matchAll(/^\| `(knit_\w+)` \|/gm)].map(([, name]) => name ?? '').sort();
  expect(described).toEqual(own);
});
