import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubectl, listOf, makeNamespace, removeNamespace } from './cluster.ts';
import {
  type Chart,
  certificates,
  type KubernetesObject,
  type Settings,
  templateAll,
  whatTheClusterLacks,
} from './helm.ts';

const lack = whatTheClusterLacks();

/** Ports of nodes and names known in the whole cluster that no installation beside this test has. */
const apart: Partial<Record<Chart, Settings>> = {
  'knit-storage-nfs': {
    'storageClasses.data.name': 'knit-charts-data',
    'storageClasses.system.name': 'knit-charts-system',
    'csi.driverName': 'charts.nfs.csi.example.com',
  },
  'knit-certs': certificates,
  'knit-image-registry': { port: 32747 },
  'knit-app': { 'knitd.port': 32748, 'worker.priorityClass.name': 'knit-charts-worker' },
};

const variants: [string, Partial<Record<Chart, Settings>>][] = [
  ['by default', apart],
  [
    'with everything that can be switched on',
    {
      ...apart,
      'knit-storage-nfs': {
        ...apart['knit-storage-nfs'],
        'nfs.hostPath': '/data',
        'nfs.node': 'node-1',
        imagePullSecrets: [{ name: 'registry' }],
      },
      'knit-image-registry': {
        ...apart['knit-image-registry'],
        'nodeCerts.use': true,
        'nodeCerts.hosts': ['registry.example.com'],
        'nodeCerts.subPath': '$(NODE_NAME)/certs.d',
        imagePullSecrets: [{ name: 'registry' }],
      },
      'knit-app': {
        ...apart['knit-app'],
        'knitd.replicas': 2,
        'vex.use': true,
        'knitdBackend.replicas': 2,
        imagePullSecrets: [{ name: 'registry' }],
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ key: 'system', operator: 'Exists' }],
        'networkPolicy.backendClients': [{ namespaceSelector: { matchLabels: { imports: 'true' } } }],
      },
    },
  ],
  [
    'with an NFS server of one’s own, plain HTTP and an ephemeral database',
    {
      ...apart,
      'knit-storage-nfs': {
        ...apart['knit-storage-nfs'],
        'nfs.external': true,
        'nfs.server': 'nfs.example.com',
      },
      'knit-certs': {},
      'knit-db-postgres': { ephemeral: true },
    },
  ],
];

describe.skipIf(lack !== undefined)(
  `a cluster accepts every object${lack ? ` (skipped: ${lack})` : ''}`,
  () => {
    let namespace: string;
    beforeAll(() => {
      namespace = makeNamespace();
    });
    afterAll(() => removeNamespace(namespace));

    test.each(variants)('%s', (_how, settings) => {
      const objects = Object.values(templateAll(settings, namespace)).flat();
      const answer = kubectl(
        // fields that the cluster does not know are errors
        [
          'create',
          '--namespace',
          namespace,
          '--dry-run=server',
          '--validate=strict',
          '-o',
          'name',
          '-f',
          '-',
        ],
        listOf(objects),
      );
      expect(answer.trim().split('\n')).toHaveLength(objects.length);
    });
  },
);

/** What has to be more than "restricted" allows: it mounts volumes for nodes, serves any user's files, or writes nodes' files. */
const privileged = ['csi-nfs-controller', 'csi-nfs-node', 'nfs-server', 'registry-certs'];

describe.skipIf(lack !== undefined)(
  `the Pod Security Standard "restricted"${lack ? ` (skipped: ${lack})` : ''}`,
  () => {
    let namespace: string;
    let pods: [name: string, pod: KubernetesObject][];
    beforeAll(() => {
      namespace = makeNamespace({ 'pod-security.kubernetes.io/enforce': 'restricted' });
      const objects = Object.values(
        templateAll(
          {
            ...apart,
            'knit-image-registry': { 'nodeCerts.use': true },
            'knit-app': { 'vex.use': true },
          },
          namespace,
        ),
      ).flat();
      pods = objects
        .filter(({ kind }) => ['Deployment', 'DaemonSet', 'Job'].includes(kind))
        .map(({ metadata: { name }, spec: { template } }) => [
          name,
          { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name }, spec: template.spec },
        ]);
      kubectl(
        ['apply', '--namespace', namespace, '-f', '-'],
        listOf(objects.filter(({ kind }) => kind === 'ServiceAccount')),
      );
    });
    afterAll(() => removeNamespace(namespace));

    const create = (pod: KubernetesObject): string => {
      const args = ['create', '--namespace', namespace, '--dry-run=server', '-o', 'name', '-f', '-'];
      try {
        return kubectl(args, pod);
      } catch (error) {
        return String(error);
      }
    };

    test('admits every component', () => {
      const components = pods.filter(([name]) => !privileged.includes(name));
      expect(components.map(([name]) => name)).toEqual(
        expect.arrayContaining([
          'knitd',
          'knitd-backend',
          'database-postgres',
          'migrate',
          'finishing-leader',
        ]),
      );
      expect(components.map(([name, pod]) => [name, create(pod).trim()])).toEqual(
        components.map(([name]) => [name, `pod/${name}`]),
      );
    });

    test('refuses what mounts, serves or writes files for others: nothing else is exempt', () => {
      for (const [name, pod] of pods.filter(([name]) => privileged.includes(name)))
        expect(create(pod), name).toMatch(/violates PodSecurity "restricted/);
    });
  },
);
