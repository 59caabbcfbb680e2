import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { PlanId, RunId } from '@knitfab/core';
import type { WorkerSpec } from '@knitfab/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKubeconfig, kubeconfigAccess } from '../../src/kubernetes/client/kubeconfig.ts';
import { KubernetesClient } from '../../src/kubernetes/client/kubernetes-client.ts';
import type { WatchEvent } from '../../src/kubernetes/client/watch-events.ts';
import { type KubernetesDrivers, openKubernetesDrivers } from '../../src/kubernetes/index.ts';
import { image, missingCluster, TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const missing = missingCluster();

/** A client whose watches tell nothing, as on a connection that died without a word. */
class DeafClient extends KubernetesClient {
  override async *watch<T>(
    _type: unknown,
    _namespace: string,
    { signal }: { signal?: AbortSignal },
  ): AsyncGenerator<WatchEvent<T>> {
    if (signal && !signal.aborted) await once(signal, 'abort');
    yield* [];
  }
}

describe.skipIf(missing)(`a replica whose copy of the cluster is old${missing ? `: ${missing}` : ''}`, () => {
  let cluster: TestCluster;
  let far: KubernetesClient;
  let [near, deaf]: KubernetesDrivers[] = [];
  const end = new AbortController();
  let watching: Promise<void> | undefined;

  const open = (client: KubernetesClient) =>
    openKubernetesDrivers({
      client,
      namespace: cluster.namespace,
      image,
      imagePullPolicy: 'IfNotPresent',
      imagePullSecrets: [],
      volumes: { size: '1Mi', accessMode: 'ReadWriteMany' },
      worker: {
        startDeadlineSeconds: 60,
        imageDeadlineSeconds: 60,
        mountDeadlineSeconds: 60,
        nodeLossSeconds: 60,
      },
      log: { debug: () => {}, warn: () => {} },
    });

  beforeAll(async () => {
    cluster = await TestCluster.open();
    far = new DeafClient(await kubeconfigAccess(findKubeconfig() ?? ''));
    near = await open(cluster.client);
    deaf = await open(far);
  });
  afterAll(async () => {
    end.abort();
    await watching;
    far?.close();
    await cluster?.close();
  });

  it('takes neither a new attempt for the one before it, nor a worker that it has not heard of for missing', async () => {
    const runId = randomUUID() as RunId;
    const spec = (args: string): WorkerSpec => ({
      name: `worker-run-${runId}`,
      runId,
      planId: randomUUID() as PlanId,
      image: 'docker.io/library/busybox:1',
      entrypoint: ['sh', '-c'],
      args: [args],
      inputs: [],
      outputs: [],
      resources: { cpu: '50m', memory: '32Mi' },
      onNode: {},
      env: {},
    });
    const first = spec('exit 3');
    await near?.workers.start(first);
    await eventually(async () => expect(await near?.workers.inspect(first.name)).toMatchObject({ code: 3 }));
    let told = 0;
    watching = deaf?.workers.watch(() => told++, end.signal);
    // With its Job and its Pod.
    await eventually(() => expect(told).toBeGreaterThanOrEqual(2));
    expect(await deaf?.workers.inspect(first.name)).toMatchObject({ phase: 'ended', code: 3 });

    await near?.workers.remove(first.name);
    expect(await deaf?.workers.inspect(first.name)).toEqual({ phase: 'missing' });
    await eventually(() => near?.workers.start(spec('sleep 600')));
    expect((await deaf?.workers.inspect(first.name))?.phase).toMatch(/pending|running/);
    await near?.workers.remove(first.name);
  }, 120_000);
});
