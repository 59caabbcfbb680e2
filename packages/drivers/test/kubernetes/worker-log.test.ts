import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlanId, RunId } from '@knitfab/core';
import { NotFound } from '@knitfab/core';
import type { WorkerSpec } from '@knitfab/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubernetesDrivers } from '../../src/kubernetes/index.ts';
import { missingCluster, TestCluster } from './cluster.ts';

const missing = missingCluster();
if (missing !== undefined) console.warn(`skipped: ${missing}`);

const busybox = process.env.KNIT_TEST_BUSYBOX ?? 'docker.io/library/busybox:1';

describe.skipIf(missing !== undefined)('the log of a worker', { timeout: 120_000 }, () => {
  let cluster: TestCluster;
  let drivers: KubernetesDrivers;

  beforeAll(async () => {
    cluster = await TestCluster.open();
    drivers = await cluster.drivers();
  }, 60_000);
  afterAll(() => cluster?.close());

  /** A worker with a log and nothing else that runs a script. */
  const start = async (name: string, script: string): Promise<WorkerSpec & { log: { volume: string } }> => {
    const spec = {
      name: `worker-run-${name}`,
      runId: '00000000-0000-4000-8000-000000000001' as RunId,
      planId: '00000000-0000-4000-8000-000000000002' as PlanId,
      image: busybox,
      entrypoint: ['sh', '-c'],
      args: [script],
      inputs: [],
      outputs: [],
      log: { volume: `log-${name}` },
      resources: { cpu: '100m', memory: '64Mi' },
      onNode: { may: [], prefer: [], must: [] },
      env: {},
    } as unknown as WorkerSpec & { log: { volume: string } };
    await drivers.volumes.create(spec.log.volume);
    await drivers.workers.start(spec);
    return spec;
  };

  const kubectl = (...args: string[]) => execFileSync('kubectl', ['-n', cluster.namespace, ...args]);

  const phase = async ({ name }: WorkerSpec) => (await drivers.workers.inspect(name)).phase;

  const untilEnded = async (spec: WorkerSpec) => {
    while ((await phase(spec)) !== 'ended') await sleep(200);
  };

  it('is followed from before its beginning to its end, and is the same afterwards', async () => {
    const spec = await start(
      'live',
      'echo begun; until [ -e /tmp/go ]; do sleep 0.1; done; echo error >&2; exit 3',
    );
    let seen = '';
    for await (const piece of await drivers.workers.logs(spec, { follow: true })) {
      seen += piece;
      // It comes as it is written, for the worker ends only now.
      if (seen === 'begun\n') kubectl('exec', `job/${spec.name}`, '-c', 'main', '--', 'touch', '/tmp/go');
    }
    expect(seen).toBe('begun\nerror\n');
    await untilEnded(spec);
    expect(await text(await drivers.workers.logs(spec, { follow: false }))).toBe(seen);
    await drivers.workers.remove(spec.name);
    expect(await text(await drivers.workers.logs(spec, { follow: true }))).toBe(seen);
  });

  it('goes on from the volume, at the byte, for a reader who is slower than the worker', async () => {
    const bytes = 40 * 1024 * 1024;
    const spec = await start('slow', `head -c ${bytes} /dev/urandom`);
    const live = await drivers.workers.logs(spec, { follow: true });
    const digest = createHash('sha256');
    let length = 0;
    for await (const piece of live) {
      if (length === 0) await untilEnded(spec);
      digest.update(piece);
      length += piece.length;
    }
    expect(length).toBe(bytes);
    const kept = createHash('sha256');
    for await (const piece of await drivers.workers.logs(spec, { follow: false })) kept.update(piece);
    expect(digest.digest('hex')).toBe(kept.digest('hex'));
  });

  it('is so far what it is while the worker runs, and ends when its reader does not follow', async () => {
    const spec = await start('so-far', 'echo so far; sleep 600');
    for await (const piece of await drivers.workers.logs(spec, { follow: true })) {
      expect(String(piece)).toBe('so far\n');
      break;
    }
    expect(await text(await drivers.workers.logs(spec, { follow: false }))).toBe('so far\n');
    const given = new AbortController();
    const followed = text(await drivers.workers.logs(spec, { follow: true, signal: given.signal }));
    await sleep(500);
    given.abort();
    expect(await followed).toBe('so far\n');
    await drivers.workers.remove(spec.name);
  });

  it('keeps the last words of a worker that is stopped', async () => {
    const script = 'trap "echo bye; exit 0" TERM; echo here; while :; do sleep 0.1; done';
    const spec = await start('stopped', script);
    const live = await drivers.workers.logs(spec, { follow: true });
    const pieces: string[] = [];
    for await (const piece of live) {
      if (pieces.push(String(piece)) === 1) await drivers.workers.remove(spec.name);
    }
    expect(pieces.join('')).toBe('here\nbye\n');
  });

  it('is not there when there was never one', async () => {
    const volume = 'log-nothing';
    await drivers.volumes.create(volume);
    const never = { name: 'worker-run-nothing', log: { volume } };
    await expect(drivers.workers.logs(never, { follow: true })).rejects.toThrow(NotFound);
  });
});
