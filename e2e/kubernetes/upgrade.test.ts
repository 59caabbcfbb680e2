import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

describe.skipIf(!surroundings.hasCluster || surroundings.settings !== undefined)('an upgrade', () => {
  const knitfab = sharedInstallation();
  let runs: SingleRuns;

  beforeAll(async () => {
    await knitfab.connect();
    runs = await SingleRuns.of(knitfab);
  });

  afterAll(async () => {
    await runs[Symbol.asyncDispose]();
  });

  test('takes edited settings to the cluster while Runs go on, and loses nothing', {
    timeout: 600_000,
  }, async () => {
    const before = await knitfab.client.findData({});
    const planId = await runs.script('sleep 20; echo went on');
    await runs.is('running', planId);
    await knitfab.edit('knit-app', (values) => {
      values.setIn(['knitd', 'replicas'], 2);
      values.setIn(['log', 'level'], 'debug');
    });
    await knitfab.install();
    const [knitd] = (await knitfab.list('deployments')).filter(({ metadata }) => metadata.name === 'knitd');
    expect(knitd?.status.readyReplicas).toBe(2);
    const run = await runs.ended(planId);
    expect(run).toMatchObject({ status: 'done' });
    expect(await knitfab.log(run.runId)).toBe('went on\n');
    const after = new Set((await knitfab.client.findData({})).map(({ knitId }) => knitId));
    expect(before.filter(({ knitId }) => !after.has(knitId))).toEqual([]);
  });

  test('keeps the database and its password, and the registry', async () => {
    const releases = await knitfab.kubectl(
      'get',
      'secret',
      'database-credential',
      '-o',
      'jsonpath={.metadata.creationTimestamp}',
    );
    expect(Date.parse(releases)).toBeLessThan(Date.now());
    const { code, stdout } = await knitfab.knit('doctor');
    expect(code, stdout).toBe(0);
  });
});
