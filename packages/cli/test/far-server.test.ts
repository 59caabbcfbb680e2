import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningProxy, startProxy } from './proxy.ts';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
let proxy: RunningProxy;

beforeAll(async () => {
  running = await RunningKnit.start();
  proxy = await startProxy(await running.apiRoot(), () => undefined);
  // This machine by an address that does not look like it.
  const apiRoot = proxy.apiRoot.replace('127.0.0.1', '[::ffff:127.0.0.1]');
  await running.directory('../.knit', { profile: JSON.stringify({ far: { apiRoot } }) });
});

afterAll(async () => {
  proxy.close();
  await running.stop();
});

describe('a server on another machine', () => {
  it('gets and gives archives that zstd has made smaller', async () => {
    const source = await running.directory('tree', { a: 'hello'.repeat(100_000) });
    const { knitId } = await running.json<DataDetail>(['data', 'push', '--profile', 'far', source]);
    const [upload] = proxy.passed.filter(({ method }) => method === 'POST');
    expect(upload?.headers['content-type']).toBe('application/tar+zstd');
    expect(upload?.trailers).toEqual({});
    expect((await running.knit('data', 'pull', '--profile', 'far', '-x', knitId, 'out')).code).toBe(0);
    const [download] = proxy.passed.filter(({ path }) => path.endsWith(knitId));
    expect(download?.headers.accept).toMatch(/^application\/tar\+zstd,/);
    const pulled = await readFile(join(running.home.work, 'out', knitId, 'a'), 'utf8');
    expect(pulled).toBe('hello'.repeat(100_000));
  });
});
