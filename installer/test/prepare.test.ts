import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { folder, lacks, Workplace } from './installer.ts';

const lack = lacks('helm', 'openssl');
const settings = 'knitfab-install-settings';
const charts = ['knit-storage-nfs', 'knit-certs', 'knit-db-postgres', 'knit-image-registry', 'knit-app'];

describe.skipIf(lack)(`installer.sh --prepare${lack ? ` (${lack})` : ''}`, () => {
  test('makes settings that nobody else may read, with the commented values of each chart', () => {
    using place = new Workplace();
    const outcome = place.installer('--prepare');
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(outcome.stdout).toContain('nothing is kept when the pod of the NFS server in the cluster goes');

    const directory = join(place.path, settings);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'values/knit-certs.yaml')).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, 'values')).sort()).toEqual(
      [...charts, 'extra-api', 'hooks'].map((name) => `${name}.yaml`).sort(),
    );
    for (const chart of charts.filter((name) => name !== 'knit-certs' && name !== 'knit-image-registry')) {
      expect(readFileSync(join(directory, 'values', `${chart}.yaml`), 'utf8').trim()).toBe(
        readFileSync(join(folder, '../charts', chart, 'values.yaml'), 'utf8').trim(),
      );
    }
    for (const extension of ['hooks', 'extra-api'])
      expect(readFileSync(join(directory, 'values', `${extension}.yaml`), 'utf8')).toContain(
        'NOT IN THIS VERSION YET',
      );
  });

  test('makes an authority, puts its files into the values, and leaves the server’s certificate until nodes are known', () => {
    using place = new Workplace();
    const { stdout } = place.installer('--prepare');
    expect(stdout).toContain("the server's certificate will be made when Knitfab is installed");
    const certs = join(place.path, settings, 'certs');
    const authority = readFileSync(join(certs, 'ca.crt'));
    expect(new X509Certificate(authority).ca).toBe(true);
    expect(statSync(join(certs, 'ca.key')).mode & 0o777).toBe(0o600);
    expect(readdirSync(certs)).not.toContain('server.crt');

    const values = readFileSync(join(place.path, settings, 'values/knit-certs.yaml'), 'utf8');
    expect(parse(values)).toEqual({
      cacert: authority.toString('base64'),
      cakey: readFileSync(join(certs, 'ca.key')).toString('base64'),
      cert: '',
      key: '',
    });
    expect(values).toMatch(/^# # cacert/m);
  });

  test('makes nodes trust the registry in the cluster, since Plans’ images come from there', () => {
    using place = new Workplace();
    place.installer('--prepare');
    const values = readFileSync(join(place.path, settings, 'values/knit-image-registry.yaml'), 'utf8');
    expect(parse(values)).toMatchObject({ external: false, nodeCerts: { use: true } });
  });

  test('makes no certificates with --no-tls', () => {
    using place = new Workplace();
    expect(place.installer('--prepare', '--no-tls').status).toBe(0);
    expect(readdirSync(join(place.path, settings, 'certs'))).toEqual([]);
    const values = (name: string) => parse(readFileSync(join(place.path, settings, 'values', name), 'utf8'));
    expect(values('knit-certs.yaml')).toEqual({ cacert: '', cakey: '', cert: '', key: '' });
    expect(values('knit-image-registry.yaml')).toMatchObject({ nodeCerts: { use: false } });
  });

  test('keeps a namespace, a StorageClass and a kubeconfig’s absence in mind', () => {
    using place = new Workplace();
    const { stdout } = place.installer('--prepare', '-s', 'mine', '-n', 'lab', '--storage-class', 'fast');
    expect(stdout).not.toContain('nothing is kept');
    expect(readFileSync(join(place.path, 'mine/namespace'), 'utf8')).toBe('lab\n');
    expect(parse(readFileSync(join(place.path, 'mine/values/knit-storage-nfs.yaml'), 'utf8'))).toMatchObject({
      storageClass: 'fast',
    });
    expect(readdirSync(join(place.path, 'mine'))).not.toContain('kubeconfig');
  });

  test('leaves settings that are there as they are, and moves them away only with --force', () => {
    using place = new Workplace();
    mkdirSync(join(place.path, settings, 'values'), { recursive: true });
    const edited = join(place.path, settings, 'values/knit-app.yaml');
    writeFileSync(edited, 'knitd: { port: 31000 }\n');
    const { status, stderr } = place.installer('--prepare');
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is there already, and is left as it is'),
    });
    expect(readFileSync(edited, 'utf8')).toBe('knitd: { port: 31000 }\n');

    expect(place.installer('--prepare', '--force').status).toBe(0);
    const aside = readdirSync(place.path).find((name) => name.startsWith(`${settings}.`)) ?? '';
    expect(readFileSync(join(place.path, aside, 'values/knit-app.yaml'), 'utf8')).toBe(
      'knitd: { port: 31000 }\n',
    );
  });

  test('says where charts could not be fetched from, and makes nothing', () => {
    using place = new Workplace();
    const { status, stderr } = place.installer(
      '--prepare',
      '--chart-repository',
      'http://127.0.0.1:9/charts',
    );
    expect(status).toBe(1);
    expect(stderr).toContain("chart knit-storage-nfs v0.1.0 can't be fetched from http://127.0.0.1:9/charts");
    expect(readdirSync(place.path).filter((name) => name.includes('settings'))).toEqual([]);
  });

  test('takes no other version of the charts than the one that is asked for', () => {
    using place = new Workplace();
    const [, version = ''] =
      /^version: "?([^"\n]*)/m.exec(readFileSync(join(folder, '../charts/knit-app/Chart.yaml'), 'utf8')) ??
      [];
    const refused = place.installer('--prepare', '--chart-version', '9.9.9');
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stderr).toContain(`holds version ${version} of the chart knit-storage-nfs, not 9.9.9`);
    expect(readdirSync(place.path)).not.toContain(settings);
    expect(place.installer('--prepare', '--chart-version', `v${version}`)).toMatchObject({ status: 0 });
  });

  test('works where it was downloaded alone, with charts from a chart repository', () => {
    using place = new Workplace();
    const alone = join(place.path, 'alone');
    mkdirSync(alone);
    writeFileSync(join(alone, 'installer.sh'), readFileSync(join(folder, 'installer.sh')), { mode: 0o755 });
    for (const chart of charts) {
      expect(place.run('helm', 'package', join(folder, '../charts', chart), '-d', 'repository').status).toBe(
        0,
      );
    }
    place.environment.CHART_REPOSITORY_ROOT = join(place.path, 'repository');
    expect(place.run(join(alone, 'installer.sh'), '--prepare')).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(join(place.path, settings, 'values'))).toContain('knit-app.yaml');
  });
});

describe.skipIf(lack)('settings', () => {
  test.each([
    './knitfab_install_settings',
    './Knitfab-install-settings',
    './knit-install-settings/',
    'KNITFAB_INSTALL_SETTINGS',
  ])('are found when their name is spelt %s', (name) => {
    using place = new Workplace();
    place.installer('--prepare');
    const { stdout, stderr } = place.installer('--check', '-s', name);
    expect(stdout).toContain(`is not there: using ./${settings}`);
    expect(stderr).toContain('the kubeconfig, is not there');
  });

  test('that are not there, or are none, get a sentence', () => {
    using place = new Workplace();
    expect(place.installer('-s', 'elsewhere').stderr).toContain(
      'elsewhere, the settings, are not there. Make them with: installer.sh --prepare -s elsewhere',
    );
    mkdirSync(join(place.path, 'empty'));
    expect(place.installer('-s', 'empty').stderr).toContain('empty holds no settings');
  });
});
