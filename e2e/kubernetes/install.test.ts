import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { output } from './commands.ts';
import { appDeployments } from './installation.ts';
import { sharedInstallation } from './shared-installation.ts';
import { surroundings } from './surroundings.ts';

const { hasCluster, settings } = surroundings;
const { KUBECONFIG = '' } = process.env;

describe.skipIf(!hasCluster || settings !== undefined)('installer.sh', () => {
  const knitfab = sharedInstallation();
  const values = (chart: string) => join(knitfab.settings, 'values', `${chart}.yaml`);

  test('--prepare writes settings that nobody else may read', async () => {
    await knitfab.prepare();
    expect((await stat(knitfab.settings)).mode & 0o777).toBe(0o700);
    const charts = ['knit-storage-nfs', 'knit-certs', 'knit-db-postgres', 'knit-image-registry', 'knit-app'];
    for (const chart of charts) expect(await readFile(values(chart), 'utf8')).toMatch(/^\s*# /m);
    expect(await readdir(join(knitfab.settings, 'certs'))).toEqual(
      expect.arrayContaining(['ca.crt', 'ca.key', 'server.crt', 'server.key']),
    );
  });

  test('installs from nothing, and says so when it stands', { timeout: 600_000 }, async () => {
    const begun = Date.now();
    await knitfab.install();
    console.log(`installed from nothing in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    const ready = await knitfab.list('deployments');
    const notReady = ready.filter(({ spec, status }) => status.readyReplicas !== spec.replicas);
    expect(notReady.map(({ metadata }) => metadata.name)).toEqual([]);
  });

  describe('what stands in the cluster', () => {
    test('is the Deployments that the guide names', async () => {
      const names = (await knitfab.list('deployments')).map(({ metadata }) => metadata.name);
      expect(names).toEqual(
        expect.arrayContaining([...appDeployments, 'database-postgres', 'image-registry-registry']),
      );
    });

    test.for([
      ['knitd', 30803],
      ['image-registry', 30503],
    ] as const)('is the Service %s at the port %i of each node', async ([name, port]) => {
      const [service] = (await knitfab.list('services')).filter(({ metadata }) => metadata.name === name);
      expect(service?.spec.ports.map(({ nodePort }: { nodePort: number }) => nodePort)).toContain(port);
    });

    test.for(['database', 'knitd-backend'])('is the Service %s, inside only', async (name) => {
      const [service] = (await knitfab.list('services')).filter(({ metadata }) => metadata.name === name);
      expect(service?.spec.type).toBe('ClusterIP');
    });

    test('runs in pods that keep to the Pod Security Standard "restricted"', async () => {
      const dryRun = ['label', 'namespace', knitfab.namespace, '--dry-run=server', '--overwrite'];
      const { stderr } = await warnings([...dryRun, 'pod-security.kubernetes.io/enforce=restricted']);
      const offenders = stderr.split('\n').filter((line) => /^Warning: +\S+.*:/.test(line));
      // The DaemonSet that writes a certificate into the nodes' file systems can't.
      expect(offenders.filter((line) => !/existing pods|registry-certs/.test(line))).toEqual([]);
    });

    test('has the labels that Kubernetes recommends', async () => {
      for (const { metadata } of await knitfab.list('deployments,services')) {
        expect.soft(metadata.labels, metadata.name).toMatchObject({
          'app.kubernetes.io/name': 'knitfab',
          'app.kubernetes.io/part-of': 'knitfab',
          'app.kubernetes.io/component': expect.any(String),
          'app.kubernetes.io/instance': expect.any(String),
          'app.kubernetes.io/version': expect.any(String),
          'app.kubernetes.io/managed-by': expect.any(String),
        });
      }
    });
  });

  test('writes a handout: how to reach server and registry', async () => {
    const { apiRoot, cert } = await knitfab.profile();
    expect(apiRoot).toMatch(/^https:\/\/[\d.]+:30803\/api$/);
    expect(Buffer.from(cert?.ca ?? '', 'base64').toString()).toContain('BEGIN CERTIFICATE');
    const [registry = ''] = await readdir(join(knitfab.handout, 'docker', 'certs.d'));
    expect(registry).toMatch(/:30503$/);
    const ca = join(knitfab.handout, 'docker', 'certs.d', registry, 'ca.crt');
    expect(await readFile(ca, 'utf8')).toContain('BEGIN CERTIFICATE');
    expect(await readdir(knitfab.handout)).toContain('README.md');
  });

  test('does nothing when it is run again', { timeout: 600_000 }, async () => {
    const before = (await knitfab.list('pods')).map(({ metadata }) => metadata.uid);
    await knitfab.install();
    const after = (await knitfab.list('pods')).map(({ metadata }) => metadata.uid);
    expect(before.filter((uid) => !after.includes(uid))).toEqual([]);
  });

  test.for([
    ['a cluster that is not there', ['--kubeconfig', '/nonexistent', '-s', knitfab.settings], /nonexistent/],
    ['settings that are not there', ['--kubeconfig', KUBECONFIG, '-s', '/nonexistent'], /nonexistent/],
  ] as const)('refuses %s with a sentence', async ([, args, sentence]) => {
    const { code, stdout, stderr } = await knitfab.installer(['--install', '-n', knitfab.namespace, ...args]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(sentence);
  });
});

async function warnings(args: string[]): Promise<{ stderr: string }> {
  const merged = await output(['sh', '-c', 'exec kubectl "$@" 2>&1', 'sh', ...args]);
  return { stderr: merged };
}

beforeAll(() => {
  if (!hasCluster) console.log('There is no cluster: KUBECONFIG names none that answers.');
});
