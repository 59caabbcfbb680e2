import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { PlanId, RunId } from '@knitfab/core';
import type { WorkerSpec } from '@knitfab/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalDrivers, type LocalDrivers } from '../../src/index.ts';
import { temporaryDirectory, users } from './users.ts';

const [user] = users as [(typeof users)[number]];

describe('the log of a worker', () => {
  const place = temporaryDirectory(user);
  let drivers: LocalDrivers;

  beforeAll(async () => {
    drivers = await createLocalDrivers({ directory: place.path, stopGraceSeconds: 0 });
  });
  afterAll(async () => {
    for (const name of await drivers.workers.list()) await drivers.workers.remove(name);
    await drivers.close();
    await place.remove();
  });

  const start = async (script: string) => {
    const id = randomUUID();
    const spec = {
      name: `worker-run-${id}`,
      runId: id as RunId,
      planId: id as PlanId,
      image: 'host:v1',
      args: ['sh', '-c', script],
      inputs: [],
      outputs: [{ path: '/out', volume: `out-${id}` }],
      log: { volume: `log-${id}` },
      resources: {},
      onNode: {},
      env: {},
    } satisfies WorkerSpec;
    await Promise.all([`out-${id}`, `log-${id}`].map((ref) => drivers.volumes.create(ref)));
    await drivers.workers.start(spec);
    return { ...spec, output: join(place.path, `volumes/out-${id}`) };
  };
  const go = 'while [ ! -e /out/go ]; do sleep 0.01; done';

  it('is what was written so far', async () => {
    const worker = await start(`echo before; : >/out/written; ${go}`);
    const follow = await drivers.workers.logs(worker, { follow: true });
    await once(follow, 'readable');
    expect(await text(await drivers.workers.logs(worker, { follow: false }))).toBe('before\n');
    follow.destroy();
    writeFileSync(join(worker.output, 'go'), '');
  });

  it('is followed until the worker has ended, with all that it wrote', async () => {
    const worker = await start(
      `echo before; ${go}; i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i; done`,
    );
    const followed = drivers.workers.logs(worker, { follow: true }).then(text);
    writeFileSync(join(worker.output, 'go'), '');
    expect((await followed).split('\n').length).toBe(5002);
    expect(await text(await drivers.workers.logs(worker, { follow: true }))).toMatch(
      /^before\n.*line 5000\n$/s,
    );
  });

  it('is followed until the signal aborts', async () => {
    const worker = await start(`echo before; ${go}`);
    const reading = new AbortController();
    const follow = await drivers.workers.logs(worker, { follow: true, signal: reading.signal });
    const [first] = await once(follow, 'data');
    expect(String(first)).toBe('before\n');
    reading.abort();
    await once(follow, 'end');
    expect(await drivers.workers.inspect(worker.name)).toMatchObject({ phase: 'running' });
  });

  it('is followed until the worker is removed', async () => {
    const worker = await start(`echo before; ${go}`);
    const followed = drivers.workers.logs(worker, { follow: true }).then(text);
    await drivers.workers.remove(worker.name);
    expect(await followed).toMatch(/^(before\n)?$/);
  });

  it('of a worker that is gone is what it has written', async () => {
    await drivers.volumes.create('old');
    appendFileSync(join(place.path, 'volumes/old/log'), 'text');
    const old = { name: 'worker-run-old', log: { volume: 'old' } };
    expect(await text(await drivers.workers.logs(old, { follow: true }))).toBe('text');
  });

  it('that does not exist is not found', async () => {
    const none = { name: 'worker-run-none', log: { volume: 'none' } };
    await expect(drivers.workers.logs(none, { follow: false })).rejects.toMatchObject({ status: 404 });
  });
});

describe('watching', () => {
  it('tells of all workers that are there, and ends with its signal', async () => {
    const place = temporaryDirectory(user);
    const drivers = await createLocalDrivers({ directory: place.path });
    const told: string[] = [];
    const watching = new AbortController();
    const watched = drivers.workers.watch((name) => told.push(name), watching.signal);
    watching.abort();
    await watched;
    expect(told).toEqual([]);
    await drivers.close();
    await place.remove();
  });
});
