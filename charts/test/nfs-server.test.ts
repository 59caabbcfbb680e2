import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubectl, makeNamespace, removeNamespace } from './cluster.ts';
import { chartDirectory, find, setting, template, whatTheClusterLacks } from './helm.ts';

const lack = whatTheClusterLacks() ?? whatTheNodesLack();

/** The server's image is built here (npm run images), and may not have been brought to the nodes. */
function whatTheNodesLack(): string | undefined {
  const { image } = find(template('knit-storage-nfs'), 'Deployment', 'nfs-server').spec.template.spec
    .containers[0];
  const { items } = JSON.parse(kubectl(['get', 'nodes', '-o', 'json']));
  const isThere = items.some(({ status }: { status: { images?: { names?: string[] }[] } }) =>
    status.images?.some(({ names }) => names?.includes(image)),
  );
  return isThere ? undefined : `no node has the image ${image}`;
}

/** A program in the server's pod: its image has a client of NFS, which speaks NFSv4 through the Service as a node would. */
function inPod(namespace: string, script: string): string {
  const exec = ['exec', '--namespace', namespace, 'deployment/nfs-server', '--'];
  return kubectl([...exec, 'sh', '-c', script.replaceAll('SERVER', `nfs://nfs-server.${namespace}.svc/`)]);
}

const restarted = (namespace: string): void => {
  kubectl(['rollout', 'restart', '--namespace', namespace, 'deployment/nfs-server']);
  kubectl(['rollout', 'status', '--namespace', namespace, 'deployment/nfs-server', '--timeout=90s']);
};

describe.skipIf(lack !== undefined)(`the in-cluster NFS server${lack ? ` (skipped: ${lack})` : ''}`, () => {
  let namespace: string;
  beforeAll(() => {
    namespace = makeNamespace();
    kubectl(['create', '--namespace', namespace, '-f', '-'], {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'files' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    const settings = {
      'nfs.volumeClaim': 'files',
      'csi.install': false,
      'storageClasses.data.name': `${namespace}-data`,
      'storageClasses.system.name': `${namespace}-system`,
    };
    const { status, stderr } = spawnSync(
      'helm',
      [
        'install',
        'knit-storage-nfs',
        chartDirectory('knit-storage-nfs'),
        '--namespace',
        namespace,
        '--wait',
        '--timeout=120s',
        ...setting(settings),
      ],
      { encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(stderr);
  }, 180_000);
  afterAll(() => {
    spawnSync('helm', ['uninstall', 'knit-storage-nfs', '--namespace', namespace]);
    removeNamespace(namespace);
  });

  test('what is written over NFSv4 is read back', () => {
    inPod(namespace, "echo hello > /tmp/a && nfs-cp /tmp/a 'SERVER/a?version=4'");
    expect(inPod(namespace, "nfs-cat 'SERVER/a?version=4'")).toBe('hello\n');
  });

  test('files belong to the user who wrote them, whoever that is', () => {
    inPod(namespace, "chmod 1777 /export && nfs-cp /tmp/a 'SERVER/of-1234?version=4&uid=1234&gid=5' || true");
    expect(inPod(namespace, 'stat -c "%u %g" /export/of-1234').trim()).toBe('1234 5');
  });

  test('a user does not read what belongs to another alone', () => {
    inPod(namespace, 'echo mine > /export/mine && chmod 600 /export/mine');
    expect(() => inPod(namespace, "nfs-cat 'SERVER/mine?version=4&uid=1234&gid=5'")).toThrow(/ACCESS/);
  });

  test('everything is there after a restart', () => {
    inPod(namespace, 'head -c 5000000 /dev/urandom > /export/big');
    const sum = inPod(namespace, 'md5sum < /export/big');
    restarted(namespace);
    // At first only clients from before are served, who take up what they had open; this one does not know to wait.
    inPod(namespace, "until nfs-cat 'SERVER/a?version=4'; do sleep 1; done");
    expect(inPod(namespace, "nfs-cat 'SERVER/big?version=4' | md5sum")).toBe(sum);
    expect(inPod(namespace, "nfs-cat 'SERVER/a?version=4'")).toBe('hello\n');
  }, 120_000);
});
