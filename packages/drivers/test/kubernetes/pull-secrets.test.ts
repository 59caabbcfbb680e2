import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { RunId } from '@knitfab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKubeconfig, kubeconfigAccess } from '../../src/kubernetes/client/kubeconfig.ts';
import { KubernetesClient } from '../../src/kubernetes/client/kubernetes-client.ts';
import { jobs } from '../../src/kubernetes/client/resource-type.ts';
import { openKubernetesDrivers } from '../../src/kubernetes/index.ts';
import { pullSecretNames, readPullSecrets } from '../../src/kubernetes/registry/pull-secrets.ts';
import { missingCluster, TestCluster } from './cluster.ts';
import { anOptions, aSpec } from './worker-spec.ts';

const missing = missingCluster();

describe.skipIf(missing)(`pull secrets of service accounts${missing ? `: ${missing}` : ''}`, () => {
  let cluster: TestCluster;
  const kubectl = (...args: string[]) =>
    execFileSync('kubectl', ['-n', cluster.namespace, ...args], { encoding: 'utf8' });

  beforeAll(async () => {
    cluster = await TestCluster.open();
    for (const name of ['everybody', 'its', 'usual']) kubectl('create', 'secret', 'generic', name);
    kubectl('create', 'serviceaccount', 'trainer');
    const named = (...names: string[]) =>
      JSON.stringify({ imagePullSecrets: names.map((name) => ({ name })) });
    kubectl('patch', 'serviceaccount', 'trainer', '-p', named('its', 'everybody', 'gone'));
    // It is made by the cluster, soon after its namespace.
    for (;;) if (kubectl('get', 'serviceaccount', 'default', '--ignore-not-found') !== '') break;
    kubectl('patch', 'serviceaccount', 'default', '-p', named('usual'));
  });
  afterAll(() => cluster?.close());

  const parts = (...imagePullSecrets: string[]) => ({
    client: cluster.client,
    namespace: cluster.namespace,
    imagePullSecrets,
  });

  it('count beside those of all workers; those of the account default only where there are no others', async () => {
    expect(await pullSecretNames(parts(), 'trainer')).toEqual(['its', 'everybody', 'gone']);
    expect(await pullSecretNames(parts('everybody'), 'trainer')).toEqual(['everybody', 'its', 'gone']);
    expect(await pullSecretNames(parts())).toEqual(['usual']);
    expect(await pullSecretNames(parts('everybody'))).toEqual(['everybody']);
    expect(await pullSecretNames(parts('everybody'), 'nobody')).toEqual(['everybody']);
  });

  it('are read by name; one that is missing is left to kubelet to tell', async () => {
    const found = await readPullSecrets(parts(), 'trainer');
    expect(found.map(({ metadata }) => metadata?.name)).toEqual(['its', 'everybody']);
  });

  it('are named where they may not be read, with what an administrator does about that', async () => {
    kubectl('create', 'serviceaccount', 'reader');
    kubectl('create', 'role', 'reader', '--verb=get', '--resource=serviceaccounts');
    kubectl(
      'create',
      'rolebinding',
      'reader',
      '--role=reader',
      `--serviceaccount=${cluster.namespace}:reader`,
    );
    const token = kubectl('create', 'token', 'reader').trim();
    const { server, tls } = await kubeconfigAccess(findKubeconfig() ?? '');
    const { cert: _, key: __, ...trust } = tls;
    const client = new KubernetesClient({ server, tls: trust, token: () => token });
    await expect(readPullSecrets({ ...parts(), client }, 'trainer')).rejects.toThrow(
      /the Secret its, .* may not be read .*worker\.imagePullSecrets/,
    );
    client.close();
  });

  it('are given to the Pod beside those of all workers, which would take their place', async () => {
    const { workers, close } = await openKubernetesDrivers({
      ...parts('everybody'),
      image: anOptions.image,
      imagePullPolicy: 'IfNotPresent',
      volumes: { size: '1Mi', accessMode: 'ReadWriteMany' },
      worker: anOptions.worker,
      log: { debug: () => {}, warn: () => {} },
    });
    const runId = randomUUID() as RunId;
    const spec = aSpec({ name: `worker-run-${runId}`, runId, serviceAccount: 'trainer' });
    await workers.start(spec);
    const job = await cluster.client.get(jobs, cluster.namespace, spec.name);
    expect(job.spec?.template.spec?.imagePullSecrets).toEqual([
      { name: 'everybody' },
      { name: 'its' },
      { name: 'gone' },
    ]);
    await workers.remove(spec.name);
    await close();
  });
});
