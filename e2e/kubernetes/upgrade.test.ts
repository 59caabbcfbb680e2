import { beforeAll, describe, expect, test } from 'vitest';
import { output } from './commands.ts';
import { connectedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

describe.skipIf(!surroundings.hasCluster || surroundings.settings !== undefined)('an upgrade', () => {
  const knitfab = connectedInstallation();
  const runs = new SingleRuns(knitfab);
  let madeUp: unknown;

  /** What was made up at the installation, and would be lost if it were made up again. */
  const secrets = async () => {
    const names = ['database-credential', 'image-registry', 'import-signing-key'];
    const found = await Promise.all(
      names.map((name) => knitfab.kubectl('get', 'secret', name, '-o', 'json')),
    );
    return found.map((text) => JSON.parse(text).data);
  };

  /** The releases whose values this test edits: each of them has made something up. */
  const edited = ['knit-app', 'knit-db-postgres', 'knit-image-registry'];
  const revisions = async () => {
    const releases: { name: string; revision: string }[] = JSON.parse(
      await output(['helm', 'list', '--namespace', knitfab.namespace, '--output', 'json']),
    );
    return new Map(releases.map(({ name, revision }) => [name, Number(revision)]));
  };

  beforeAll(async () => {
    madeUp = await secrets();
  });

  test('takes edited settings to the cluster while Runs go on, and loses nothing', {
    timeout: 600_000,
  }, async () => {
    const before = await knitfab.client.findData({});
    const planId = await runs.script('sleep 20; echo went on');
    await runs.is('running', planId);
    const installed = await revisions();
    await knitfab.edit('knit-app', (values) => {
      values.setIn(['knitd', 'replicas'], 2);
      values.setIn(['log', 'level'], 'debug');
    });
    await knitfab.edit('knit-db-postgres', (values) =>
      values.setIn(['parameters', 'max_connections'], '210'),
    );
    await knitfab.edit('knit-image-registry', (values) =>
      values.setIn(['resources', 'limits', 'memory'], '500Mi'),
    );
    await knitfab.install();
    const upgraded = await revisions();
    for (const name of edited) expect(upgraded.get(name), name).toBe((installed.get(name) ?? 0) + 1);
    const [knitd] = (await knitfab.list('deployments')).filter(({ metadata }) => metadata.name === 'knitd');
    expect(knitd?.status.readyReplicas).toBe(2);
    const run = await runs.ended(planId);
    expect(run).toMatchObject({ status: 'done' });
    expect(await knitfab.log(run.runId)).toBe('went on\n');
    const after = new Set((await knitfab.client.findData({})).map(({ knitId }) => knitId));
    expect(before.filter(({ knitId }) => !after.has(knitId))).toEqual([]);
  });

  test('keeps the passwords and keys that were made up, of the database above all', async () => {
    expect(await secrets()).toEqual(madeUp);
    expect(JSON.stringify(madeUp)).toMatch(/"password":"[A-Za-z0-9+/=]{20,}"/);
    const { code, stdout } = await knitfab.knit('doctor');
    expect(code, stdout).toBe(0);
  });
});
