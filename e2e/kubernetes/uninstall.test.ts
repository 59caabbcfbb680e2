import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { output, run } from './commands.ts';
import { appDeployments } from './installation.ts';
import { eventually, kubectl, list } from './kubectl.ts';
import { sharedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

describe.skipIf(!surroundings.hasCluster || surroundings.settings !== undefined)('uninstall.sh', () => {
  const knitfab = sharedInstallation();
  const uninstaller = join(knitfab.settings, 'uninstall.sh');
  const pushed: string[] = [];

  test('removes the app, and keeps what users have', { timeout: 600_000 }, async () => {
    await knitfab.connect();
    const runs = new SingleRuns(knitfab);
    pushed.push(await knitfab.push(runs.source, 'e2e:kept'));
    await output([uninstaller]);
    const deployments = (await knitfab.list('deployments')).map(({ metadata }) => metadata.name);
    expect(deployments.filter((name) => appDeployments.includes(name))).toEqual([]);
    expect(deployments).toEqual(expect.arrayContaining(['database-postgres', 'image-registry-registry']));
  });

  test('leaves behind what a new installation finds again', { timeout: 600_000 }, async () => {
    await knitfab.install();
    await knitfab.connect();
    const data = await knitfab.client.findData({ tag: ['e2e:kept'] });
    expect(data.map(({ knitId }) => knitId)).toEqual(pushed);
  });

  test('--hard asks first', async () => {
    const { code } = await run([uninstaller, '--hard'], { input: 'no\n' });
    expect(code).not.toBe(0);
    expect((await knitfab.list('deployments')).length).toBeGreaterThan(0);
  });

  test('--hard leaves nothing', { timeout: 600_000 }, async () => {
    await output([uninstaller, '--hard', '--yes']);
    await eventually('the namespace is empty', async () => {
      const kinds = 'all,pvc,secrets,configmaps,serviceaccounts,roles,rolebindings,networkpolicies';
      const left = (await knitfab.list(kinds, '--ignore-not-found')).filter(
        ({ metadata: { name } }) => name !== 'kube-root-ca.crt' && name !== 'default',
      );
      if (left.length > 0)
        throw new Error(left.map(({ kind, metadata }) => `${kind}/${metadata.name}`).join());
      return true;
    });
    const clusterWide =
      'storageclasses,priorityclasses,clusterroles,clusterrolebindings,csidrivers,persistentvolumes';
    const left = (await list(clusterWide)).filter(
      ({ metadata, spec }) =>
        metadata.labels?.['app.kubernetes.io/part-of'] === 'knitfab' ||
        spec?.claimRef?.namespace === knitfab.namespace,
    );
    expect(left.map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([]);
    await kubectl('delete', 'namespace', knitfab.namespace, '--ignore-not-found');
  });
});
