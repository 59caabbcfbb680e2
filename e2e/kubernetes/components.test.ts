import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appDeployments } from './installation.ts';
import { eventually } from './kubectl.ts';
import { connectedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

/** "Any of these pods may be killed at any moment, and any Deployment scaled to several replicas, without harm" (spec page 5). */
describe.skipIf(!surroundings.hasCluster)('while Runs go on', () => {
  const knitfab = connectedInstallation();
  const runs = new SingleRuns(knitfab);
  const every = [...appDeployments, 'database-postgres', 'image-registry-registry'];
  let planId = '';
  let pushed = 0;
  const ending = new AbortController();
  let pushing: Promise<void> = Promise.resolve();

  beforeAll(async () => {
    planId = await knitfab.register({
      image: surroundings.image,
      entrypoint: ['sh', '-c', '[ -z "$(ls -A /out)" ] || exit 9; sleep 1; cp /in/file /out/file; echo done'],
      inputs: [{ path: '/in', tags: ['e2e:going-on'] }],
      outputs: [{ path: '/out', tags: [] }],
      log: { tags: [] },
      resources: { cpu: '50m', memory: '64Mi' },
    });
    pushing = (async () => {
      while (!ending.signal.aborted) {
        const data = await knitfab.push(runs.source, 'e2e:going-on').catch(() => undefined);
        if (data !== undefined) pushed++;
        await setTimeout(3000, undefined, { signal: ending.signal }).catch(() => {});
      }
    })();
  });

  afterAll(async () => {
    ending.abort();
  });

  const scale = (name: string, replicas: number) =>
    knitfab.kubectl('scale', `deployment/${name}`, `--replicas=${replicas}`);

  test.for(every)('%s may be killed, and scaled to 0 and to 3', async (name) => {
    const selector = `--selector=app.kubernetes.io/component=${name}`;
    await knitfab.kubectl('delete', 'pod', '--force', '--grace-period=0', selector);
    await knitfab.rolledOut(name);
    await scale(name, 0);
    await eventually('its pods are gone', async () => (await knitfab.pods(name)).length === 0);
    // A database has one process that writes its files.
    await scale(name, name === 'database-postgres' ? 1 : 3);
    await knitfab.rolledOut(name);
  });

  test('all went on: every Data has its one Run, which is done and has its log', async () => {
    ending.abort();
    await pushing;
    const data = await knitfab.client.findData({ tag: ['e2e:going-on'] });
    expect(data.length).toBeGreaterThanOrEqual(pushed);
    const all = await knitfab.finished(planId, data.length, 500);
    expect(
      all.map(({ status, exit }) => ({ status, exit })).filter(({ status }) => status !== 'done'),
    ).toEqual([]);
    expect(new Set(all.map(({ inputs }) => inputs[0]?.knitId)).size).toBe(data.length);
    expect(all.length).toBe(data.length);
    for (const { runId } of all) expect(await knitfab.log(runId)).toBe('done\n');
  });

  test('and `knit doctor` finds nothing', async () => {
    await eventually('nothing is wrong', async () => {
      const { code, stdout } = await knitfab.knit('doctor');
      if (code !== 0) throw new Error(stdout);
      return true;
    });
    for (const name of appDeployments) await scale(name, 1);
  });
});
