import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubectl, makeNamespace, removeNamespace } from './cluster.ts';
import { type Chart, chartDirectory, type Settings, setting, whatTheClusterLacks } from './helm.ts';

const lack = whatTheClusterLacks();

/** Nothing has to run for this, so pods ask for a node that there is not; a name and ports that nobody else has. */
const nowhere = { nodeSelector: { 'knit-charts/nowhere': 'true' } };
const settings: Partial<Record<Chart, Settings>> = {
  'knit-db-postgres': { ...nowhere, ephemeral: true },
  'knit-image-registry': { port: 32745, replicas: 0, 'volume.storageClass': 'knit-charts-none' },
  'knit-app': { ...nowhere, 'knitd.port': 32746, 'worker.priorityClass.create': false },
};

describe.skipIf(lack !== undefined)(`an upgrade${lack ? ` (skipped: ${lack})` : ''}`, () => {
  let namespace: string;
  beforeAll(() => {
    namespace = makeNamespace();
  });
  afterAll(() => {
    for (const chart of ['knit-storage-nfs', ...Object.keys(settings)])
      spawnSync('helm', ['uninstall', chart, '--namespace', namespace]);
    removeNamespace(namespace);
  });

  const install = (chart: Chart, given: Settings) =>
    spawnSync(
      'helm',
      [
        'upgrade',
        '--install',
        chart,
        chartDirectory(chart),
        '--namespace',
        namespace,
        '--no-hooks',
        ...setting(given),
      ],
      { encoding: 'utf8' },
    );

  test.each([
    ['knit-db-postgres', 'database-credential'],
    ['knit-image-registry', 'image-registry'],
    ['knit-app', 'import-signing-key'],
  ] as const)('of %s keeps the secret that was made up, %s', (chart, secret) => {
    const data = () => {
      expect(install(chart, settings[chart] ?? {})).toMatchObject({ status: 0 });
      return kubectl(['get', 'secret', secret, '--namespace', namespace, '-o', 'jsonpath={.data}']);
    };
    const made = data();
    expect(made).toMatch(/[A-Za-z0-9]{40}/);
    expect(data()).toBe(made);
  });

  test('that would let the database be asked for another user, password or Secret than it was made with is refused', () => {
    const kept = { ...nowhere, 'volume.storageClass': 'knit-charts-none' };
    const upgrade = (change: Settings) => install('knit-db-postgres', { ...kept, ...change });
    expect(upgrade({})).toMatchObject({ status: 0 });
    for (const change of [{ 'credential.username': 'other' }, { 'credential.password': 'other' }]) {
      const { status, stderr } = upgrade(change);
      expect(status).not.toBe(0);
      expect(stderr).toContain(
        'the database knows the user name and password that it was made with, those of Secret "database-credential"',
      );
    }
    const { status, stderr } = upgrade({ 'credential.secret': 'other' });
    expect(status).not.toBe(0);
    expect(stderr).toContain('the database was made with the password of another Secret than "other"');
    const password = Buffer.from(
      kubectl([
        ...['get', 'secret', 'database-credential', '--namespace', namespace],
        ...['-o', 'jsonpath={.data.password}'],
      ]),
      'base64',
    ).toString();
    expect(upgrade({ 'credential.password': password })).toMatchObject({ status: 0 });
  });

  test('that would change what nobody may change of a StorageClass says what to do', () => {
    const classes = {
      'csi.install': false,
      'storageClasses.data.name': `${namespace}-data`,
      'storageClasses.system.name': `${namespace}-system`,
      'nfs.external': true,
    };
    expect(install('knit-storage-nfs', { ...classes, 'nfs.server': 'a.example.com' }).status).toBe(0);
    const { status, stderr } = install('knit-storage-nfs', { ...classes, 'nfs.server': 'b.example.com' });
    expect(status).not.toBe(0);
    expect(stderr).toContain(
      `StorageClass ${namespace}-data has server "a.example.com", and Kubernetes does not let that become "b.example.com"`,
    );
    expect(stderr).toContain(`kubectl delete storageclass ${namespace}-data`);
  });
});
