import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ClusterWorkplace, kubectl, lacksCluster } from './cluster.ts';

const lack = lacksCluster();

describe.skipIf(lack)(`installer.sh --check${lack ? ` (${lack})` : ''}`, { timeout: 120_000 }, () => {
  test('finds nothing missing in a cluster that will do, and makes nothing', () => {
    using place = new ClusterWorkplace();
    expect(place.prepare()).toMatchObject({ status: 0, stderr: '' });
    const outcome = place.installer('--check', '-s', 'settings');
    expect(outcome).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('all that an installation needs is there'),
    });
    expect(kubectl(['get', 'namespace', place.namespace, '--ignore-not-found'])).toBe('');
    expect(existsSync(join(place.path, 'settings/state'))).toBe(false);
  });

  test('names everything that is missing at once', () => {
    using place = new ClusterWorkplace();
    place.prepare();
    kubectl(['create', 'namespace', place.namespace]);
    kubectl(['create', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'taken', namespace: place.namespace },
      spec: {
        type: 'NodePort',
        selector: { app: 'taken' },
        ports: [{ port: 80, nodePort: place.ports.registry }],
      },
    });
    kubectl([...['create', 'secret', 'generic', 'sh.helm.release.v1.knit-app.v1', '-n', place.namespace]]);
    kubectl([
      ...['label', 'secret', 'sh.helm.release.v1.knit-app.v1', '-n', place.namespace],
      ...['owner=helm', 'name=knit-app', 'status=pending-install'],
    ]);
    place.edit('knit-storage-nfs', (values) => values.set('storageClass', 'knit-no-such-class'));
    place.edit('knit-app', (values) => values.setIn(['knitd', 'port'], 80));
    const { status, stderr } = place.installer('-s', 'settings');
    expect(status).toBe(1);
    expect(stderr).toContain("Knitfab can't be installed. Nothing was changed.");
    expect(stderr).toContain('there is no StorageClass knit-no-such-class. There are: ');
    expect(stderr).toContain(
      `port ${place.ports.registry} of the nodes is used by the service ${place.namespace}/taken`,
    );
    expect(stderr).toMatch(/values\/knit-app\.yaml: .*knitd.*port/);
    expect(stderr).toContain('an installation of knit-app is half finished (pending-install)');
  });

  test('looks at certificates that only an installation makes', () => {
    using place = new ClusterWorkplace();
    const { KUBECONFIG = '' } = place.environment;
    place.environment.KUBECONFIG = '';
    expect(place.prepare()).toMatchObject({ status: 0 });
    expect(existsSync(join(place.path, 'settings/certs/server.crt'))).toBe(false);
    const outcome = place.installer('--check', '-s', 'settings', '--kubeconfig', KUBECONFIG);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(join(place.path, 'settings/certs/server.crt'))).toBe(false);
  });

  test('says when two services shall have the same port, and when the namespace admits too little', () => {
    using place = new ClusterWorkplace();
    place.prepare();
    place.edit('knit-app', (values) => values.setIn(['knitd', 'port'], place.ports.registry));
    kubectl(['create', 'namespace', place.namespace]);
    kubectl(['label', 'namespace', place.namespace, 'pod-security.kubernetes.io/enforce=restricted']);
    const { status, stderr } = place.installer('--check', '-s', 'settings');
    expect(status).toBe(1);
    expect(stderr).toContain(
      `knitd and the image registry can't both have port ${place.ports.registry} of the nodes`,
    );
    expect(stderr).toContain(
      'admits only pods of the Pod Security level restricted, and privileged is needed',
    );
    place.edit('knit-image-registry', (values) => values.setIn(['nodeCerts', 'use'], false));
    expect(place.installer('--check', '-s', 'settings').stderr).toContain('and baseline is needed');
  });

  test('refuses another storage where volumes are there, which would stay behind or go', () => {
    using place = new ClusterWorkplace();
    place.prepare();
    kubectl(['create', 'namespace', place.namespace]);
    kubectl(['create', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: 'database-postgres',
        namespace: place.namespace,
        labels: { 'app.kubernetes.io/name': 'knitfab' },
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'knit-former',
        resources: { requests: { storage: '1Mi' } },
      },
    });
    const { status, stderr } = place.installer('-s', 'settings');
    expect(status).toBe(1);
    expect(stderr).toContain('volume database-postgres is of StorageClass knit-former, and can');
    kubectl([
      'create',
      'deployment',
      'nfs-server',
      '--image',
      'none',
      '--replicas',
      '0',
      '-n',
      place.namespace,
    ]);
    expect(place.installer('-s', 'settings').stderr).toContain('the NFS server in the cluster would go');
  });

  test('says that an NFS server is missing when nfs.external is set', () => {
    using place = new ClusterWorkplace();
    place.prepare();
    place.edit('knit-storage-nfs', (values) => {
      values.set('storageClass', '');
      values.setIn(['nfs', 'external'], true);
    });
    expect(place.installer('--check', '-s', 'settings').stderr).toContain(
      'values/knit-storage-nfs.yaml: nfs.external is true, but nfs.server is empty',
    );
  });

  test.each<[string, Record<string, unknown>, string | undefined]>([
    [
      'in the cluster, told nothing',
      {},
      'nothing is kept when the pod of the NFS server in the cluster goes',
    ],
    ['in the cluster, on any node', { hostPath: '/data' }, 'comes to another node'],
    ['in the cluster, on a node', { hostPath: '/data', node: 'node-1' }, undefined],
    ['in the cluster, with a volume', { volumeClaim: 'mine' }, undefined],
    ['of one’s own', { external: true, server: 'nfs.example.com' }, undefined],
  ])('warns where an NFS server would not keep what it has: %s', (_, nfs, warning) => {
    using place = new ClusterWorkplace();
    place.prepare('--no-tls');
    place.edit('knit-storage-nfs', (values) => {
      values.set('storageClass', '');
      for (const [name, value] of Object.entries(nfs)) values.setIn(['nfs', name], value);
    });
    const { stderr } = place.installer('--check', '-s', 'settings');
    const told = stderr.split('\n').filter((line) => /nothing is (kept|found)/.test(line));
    expect(told).toEqual(warning === undefined ? [] : [expect.stringContaining(warning)]);
  });

  test('warns of nothing where a StorageClass keeps it', () => {
    using place = new ClusterWorkplace();
    const name = process.env.KNIT_STORAGE_CLASS ?? 'shared';
    expect(place.prepare('--no-tls', '--storage-class', name).stdout).not.toContain('nothing is kept');
    const { status, stdout, stderr } = place.installer('--check', '-s', 'settings');
    expect({ status, stdout, stderr }).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`volumes of StorageClass ${name}`),
      stderr: '',
    });
  });

  test('says which permissions a user lacks', () => {
    using place = new ClusterWorkplace();
    place.prepare();
    kubectl(['create', 'namespace', place.namespace]);
    kubectl(['create', 'serviceaccount', 'visitor', '-n', place.namespace]);
    const token = kubectl(['create', 'token', 'visitor', '-n', place.namespace]).trim();
    const config = parse(readFileSync(join(place.path, 'settings/kubeconfig'), 'utf8'));
    config.users[0].user = { token };
    writeFileSync(join(place.path, 'visitor'), JSON.stringify(config));
    const { stderr } = place.installer('--check', '-s', 'settings', '--kubeconfig', 'visitor');
    expect(stderr).toMatch(
      /the kubeconfig's user lacks permissions: .*create deployments in knit-installer-/,
    );
    expect(stderr).toContain('create priorityclasses in the whole cluster');
  });

  test('says so when the cluster can’t be reached', () => {
    using place = new ClusterWorkplace();
    place.prepare();
    const config = parse(readFileSync(join(place.path, 'settings/kubeconfig'), 'utf8'));
    config.clusters[0].cluster.server = 'https://127.0.0.1:9';
    writeFileSync(join(place.path, 'elsewhere'), JSON.stringify(config));
    const { status, stderr } = place.installer('-s', 'settings', '--kubeconfig', 'elsewhere');
    expect(status).toBe(1);
    expect(stderr).toContain("error: the cluster of elsewhere can't be reached: ");
  });

  test('warns of a certificate that does not name a node', () => {
    using place = new ClusterWorkplace();
    place.authority('ca');
    place.server('server', 'ca');
    const { status, stdout } = place.prepare(
      ...['--tls-ca-cert', 'ca.crt', '--tls-cert', 'server.crt', '--tls-key', 'server.key'],
    );
    expect({ status, stdout }).toMatchObject({ status: 0 });
    const { stderr } = place.installer('--check', '-s', 'settings');
    expect(stderr).toContain("the server's certificate does not name every node");
  });
});

describe.skipIf(lack)('the server’s certificate', { timeout: 120_000 }, () => {
  const names = (place: ClusterWorkplace) =>
    new X509Certificate(readFileSync(join(place.path, 'settings/certs/server.crt'))).subjectAltName ?? '';

  test('names every node, this machine, and what was asked for', () => {
    using place = new ClusterWorkplace();
    place.prepare('--tls-san', 'knitfab.example.com', '--tls-san', '192.0.2.1');
    const addresses = kubectl([
      'get',
      'nodes',
      '-o',
      'jsonpath={.items[*].status.addresses[*].address}',
    ]).split(' ');
    for (const address of [...addresses, 'knitfab.example.com', '192.0.2.1', 'localhost', '127.0.0.1']) {
      expect(names(place)).toMatch(new RegExp(`:${address.replaceAll('.', '\\.')}(,|$)`));
    }
    expect(names(place)).toContain(`DNS:knitd.${place.namespace}.svc`);
  });

  test('is renewed under the same authority, with the names it was given before; the old one is kept aside', () => {
    using place = new ClusterWorkplace();
    place.prepare('--tls-san', 'first.example.com');
    const certificate = () => readFileSync(join(place.path, 'settings/certs/server.crt'), 'utf8');
    const authority = readFileSync(join(place.path, 'settings/certs/ca.crt'), 'utf8');
    const before = certificate();
    const { status, stdout } = place.installer(
      '--renew-certs',
      '-s',
      'settings',
      '--tls-san',
      'second.example.com',
    );
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Knitfab is not installed yet: they are used when it is'),
    });
    expect(certificate()).not.toBe(before);
    expect(names(place)).toMatch(/first\.example\.com.*second\.example\.com/);
    expect(new X509Certificate(certificate()).verify(new X509Certificate(authority).publicKey)).toBe(true);
    const values = parse(readFileSync(join(place.path, 'settings/values/knit-certs.yaml'), 'utf8'));
    expect(values.cert).toBe(Buffer.from(certificate()).toString('base64'));
    const aside = /the old ones in (\S+)/.exec(stdout)?.[1] ?? '';
    expect(readFileSync(join(aside, 'server.crt'), 'utf8')).toBe(before);
  });

  test('can’t be renewed without the authority’s key, unless the authority is renewed, too', () => {
    using place = new ClusterWorkplace();
    place.prepare();
    rmSync(join(place.path, 'settings/certs/ca.key'));
    const authority = readFileSync(join(place.path, 'settings/certs/ca.crt'), 'utf8');
    expect(place.installer('--renew-certs', '-s', 'settings').stderr).toContain(
      'certs/ca.key, the key of the certificate authority, is missing',
    );
    expect(place.installer('--renew-certs', '--renew-ca', '-s', 'settings').status).toBe(0);
    expect(readFileSync(join(place.path, 'settings/certs/ca.crt'), 'utf8')).not.toBe(authority);
  });

  test('of one’s own is not replaced by a made one', () => {
    using place = new ClusterWorkplace();
    place.authority('ca');
    place.server('server', 'ca');
    place.prepare('--tls-ca-cert', 'ca.crt', '--tls-cert', 'server.crt', '--tls-key', 'server.key');
    expect(place.installer('--renew-certs', '-s', 'settings').stderr).toContain(
      "the server's certificate is your own. Give the new one",
    );
  });
});
