import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoopLog } from '@knitfab/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiConnection } from '../../src/kubernetes/client/api-connection.ts';
import { findKubeconfig, kubeconfigAccess } from '../../src/kubernetes/client/kubeconfig.ts';
import { KubernetesClient } from '../../src/kubernetes/client/kubernetes-client.ts';
import { volumeClaims } from '../../src/kubernetes/client/resource-type.ts';
import { GrowingVolumes } from '../../src/kubernetes/volume-growth/grow-volumes.ts';
import { image, missingCluster } from './cluster.ts';

const lack = missingCluster();
const name = `knit-growth-${randomBytes(4).toString('hex')}`;
const kubectl = (args: string[], input?: unknown): string =>
  execFileSync('kubectl', args, {
    encoding: 'utf8',
    ...(input !== undefined && { input: JSON.stringify(input) }),
  });

/** Claims that say they are larger than any node's disk, on a directory of that disk: the only volumes every cluster measures. */
const claims = { growing: true, fixed: false };
const size = '100Ti';

function objects(hostname: string): unknown[] {
  const volumes = Object.entries(claims).flatMap(([claim, allowVolumeExpansion]) => [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: `${name}-${claim}` },
      provisioner: 'kubernetes.io/no-provisioner',
      allowVolumeExpansion,
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `${name}-${claim}` },
      spec: {
        capacity: { storage: size },
        accessModes: ['ReadWriteOnce'],
        storageClassName: `${name}-${claim}`,
        persistentVolumeReclaimPolicy: 'Retain',
        local: { path: '/var/tmp' },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [hostname] }] },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: claim, namespace: name },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: `${name}-${claim}`,
        resources: { requests: { storage: size } },
      },
    },
  ]);
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'user', namespace: name },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'user',
          image,
          command: ['sleep', '3600'],
          volumeMounts: Object.keys(claims).map((claim) => ({ name: claim, mountPath: `/${claim}` })),
        },
      ],
      volumes: Object.keys(claims).map((claim) => ({
        name: claim,
        persistentVolumeClaim: { claimName: claim },
      })),
    },
  };
  return [...volumes, pod];
}

describe.skipIf(lack !== undefined)(`volumes that run full${lack ? ` (skipped: ${lack})` : ''}`, () => {
  let volumes: GrowingVolumes;
  let client: KubernetesClient;
  const warnings: object[] = [];
  const log: LoopLog = { debug: () => {}, warn: (fields: object) => warnings.push(fields) };

  beforeAll(async () => {
    const [node] = JSON.parse(kubectl(['get', 'nodes', '-o', 'json'])).items;
    kubectl(['create', 'namespace', name]);
    kubectl(['create', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'List',
      items: objects(node.metadata.labels['kubernetes.io/hostname']),
    });
    kubectl(['wait', '--for=condition=Ready', '-n', name, 'pod/user', '--timeout=60s']);
    const access = await kubeconfigAccess(findKubeconfig() ?? '');
    client = new KubernetesClient(access);
    const { address } = node.status.addresses.find(({ type }: { type: string }) => type === 'InternalIP');
    volumes = new GrowingVolumes({
      client,
      kubelet: new ApiConnection({
        ...access,
        server: new URL(`https://${address}:10250`),
        tls: { ...access.tls, rejectUnauthorized: false },
      }),
      namespace: name,
      // Next to nothing of the disk is in use, measured by what the claims say; 1 per cent is.
      limits: { fullPercent: 1, growPercent: 50, maximumBytes: 2 ** 60 },
      log,
    });
  }, 90_000);

  afterAll(() => {
    volumes?.close();
    const all = Object.keys(claims).map((claim) => `${name}-${claim}`);
    kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=false']);
    kubectl(['delete', 'pod', 'user', '-n', name, '--now', '--ignore-not-found']);
    kubectl(['delete', 'pv', ...all, '--ignore-not-found', '--wait=false']);
    kubectl(['delete', 'storageclass', ...all, '--ignore-not-found']);
  });

  test('grow where their StorageClass lets them, once; where it does not, that is told once', async () => {
    const grown = [];
    // Kubelet measures volumes about once a minute.
    while (grown.length === 0) {
      grown.push(...(await volumes.growFullOnes()));
      await sleep(500);
    }
    expect(grown).toEqual([{ claim: 'growing', from: 100 * 2 ** 40, to: 150 * 2 ** 40 }]);
    const requests = async (claim: string) =>
      (await client.get(volumeClaims, name, claim)).spec?.resources?.requests?.storage;
    expect(await requests('growing')).toBe('150Ti');
    expect(await requests('fixed')).toBe('100Ti');
    expect(await volumes.growFullOnes()).toEqual([]);
    expect(warnings).toEqual([
      { claim: 'fixed', reason: expect.stringMatching(/storageclass that provisions the pvc must support/) },
    ]);
  }, 150_000);
});
