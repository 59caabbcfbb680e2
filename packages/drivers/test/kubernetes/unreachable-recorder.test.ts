import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { KubernetesClient } from '../../src/kubernetes/client/kubernetes-client.ts';
import { recorderPort, recorderTokenVariable } from '../../src/kubernetes/pod-wire.ts';
import { workerLog } from '../../src/kubernetes/worker-log.ts';

/** An address of this machine that nobody else listens at. */
const podIP = '127.113.7.1';

/** The Kubernetes API of a cluster that stays as it is: one worker's Pod, which runs. Networks that let nobody through can't be had in the tests' cluster. */
const client = {
  list: async () => ({ items: [pod], resourceVersion: '1' }),
  async *watch(_type: unknown, _namespace: string, { signal }: { signal: AbortSignal }) {
    await sleep(60_000, undefined, { signal }).catch(() => {});
  },
} as unknown as KubernetesClient;
const pod = {
  metadata: { name: 'worker-run-1-abcde', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { containers: [{ name: 'log', env: [{ name: recorderTokenVariable, value: 'token' }] }] },
  status: { phase: 'Running', podIP, containerStatuses: [{ name: 'log', state: { running: {} } }] },
};

test('a recorder that can not be reached is told of once, and is followed as soon as it can', async () => {
  const warn = vi.fn();
  const given = new AbortController();
  onTestFinished(() => given.abort());
  const log = await workerLog(
    {
      client,
      namespace: 'knitfab',
      log: { debug() {}, warn },
      readKept: async () => Readable.from(['kept']),
    },
    { name: 'worker-run-1', volume: 'data-1', follow: true, signal: given.signal },
  );
  const text = log.toArray();
  await expect.poll(() => warn.mock.calls.length, { timeout: 15_000 }).toBe(1);
  expect(warn.mock.calls[0]?.[0]).toMatchObject({
    worker: 'worker-run-1',
    recorder: `http://${podIP}:${recorderPort}`,
    reason: expect.stringContaining('ECONNREFUSED'),
  });
  await sleep(2500); // another try
  const server = createServer((_request, response) => response.end('all of it'));
  await once(server.listen(recorderPort, podIP), 'listening');
  onTestFinished(() => void server.close());
  expect(Buffer.concat(await text).toString()).toBe('all of it');
  expect(warn).toHaveBeenCalledTimes(1);
});
