import { describe, expect, test } from 'vitest';
import { eventually, list } from './kubectl.ts';
import { connectedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

const { image } = surroundings;
const small = { cpu: '50m', memory: '64Mi' };

describe.skipIf(!surroundings.hasCluster)('a pipeline', () => {
  const knitfab = connectedInstallation();
  const runs = new SingleRuns(knitfab);

  test('runs each combination once, with its log, and each Data knows what made it', async () => {
    const clean = await knitfab.register({
      image,
      entrypoint: ['sh', '-c', 'echo cleaning; cp /raw/file /out/file'],
      inputs: [{ path: '/raw', tags: ['pipeline:raw'] }],
      outputs: [{ path: '/out', tags: ['pipeline:clean'] }],
      log: { tags: ['pipeline:log'] },
      resources: small,
    });
    const train = await knitfab.register({
      image,
      entrypoint: ['sh', '-c', 'echo training; cat /clean/file /parameters/file > /model/file'],
      inputs: [
        { path: '/clean', tags: ['pipeline:clean'] },
        { path: '/parameters', tags: ['pipeline:parameters'] },
      ],
      outputs: [{ path: '/model', tags: ['pipeline:model'] }],
      log: { tags: ['pipeline:log'] },
      resources: small,
    });
    const raw = await knitfab.push(runs.source, 'pipeline:raw');
    await knitfab.push(runs.source, 'pipeline:parameters');
    await knitfab.push(runs.source, 'pipeline:parameters');
    const [cleaned] = await knitfab.finished(clean, 1, 200);
    const trained = await knitfab.finished(train, 2, 200);
    expect([cleaned, ...trained].map((run) => run?.status)).toEqual(['done', 'done', 'done']);
    expect(await knitfab.log(cleaned?.runId ?? '')).toBe('cleaning\n');
    for (const { runId } of trained) expect(await knitfab.log(runId)).toBe('training\n');
    const model = trained[0]?.outputs[0]?.knitId ?? '';
    const { data } = await knitfab.client.getLineage({ knitId: model }, { direction: 'up', depth: 'all' });
    expect(data.map(({ knitId }) => knitId)).toContain(raw);
  });

  test('leaves no worker behind', async () => {
    await eventually(
      'no Job',
      async () =>
        (await knitfab.list('jobs,pods', '--selector=app.kubernetes.io/component=worker')).length === 0,
    );
  });

  test('records the image that was run and the node that it ran on', async () => {
    const planId = await runs.script('true');
    await runs.ended(planId);
    const shown = await runs.shown(planId, /sha256:[0-9a-f]{64}/);
    const nodes = (await list('nodes')).map(({ metadata }) => metadata.name);
    expect(nodes.some((node) => shown.includes(node))).toBe(true);
  });

  test.for([
    ['as a success', [], 'done', 0],
    ['as a failure', ['--fail'], 'failed', 253],
  ] as const)('can be stopped while it runs, %s', async ([, options, status, code]) => {
    const planId = await runs.script('trap "exit 0" TERM; echo waiting; sleep 600 & wait');
    const { runId } = await runs.is('running', planId);
    const stopped = await knitfab.knit('run', 'stop', ...options, runId);
    expect(stopped.code, stopped.stderr).toBe(0);
    expect(await runs.ended(planId)).toMatchObject({ status, exit: { code } });
    expect(await knitfab.log(runId)).toBe('waiting\n');
  });

  test('can be retried: a failed Run gets new outputs', async () => {
    const script = '[ $(date +%s) -ge MOMENT ] && echo late enough > /out/file';
    const moment = Math.floor(Date.now() / 1000) + 25;
    const outputs = [{ path: '/out', tags: [] }];
    const planId = await runs.script(script.replace('MOMENT', String(moment)), { outputs });
    const failed = await runs.ended(planId);
    expect(failed).toMatchObject({ status: 'failed', exit: { code: 1 } });
    await eventually('the moment has come', async () => Date.now() / 1000 > moment);
    await knitfab.client.retryRun(failed.runId);
    const retried = await runs.ended(planId);
    expect(retried).toMatchObject({ runId: failed.runId, status: 'done' });
    expect(retried.outputs[0]?.knitId).not.toBe(failed.outputs[0]?.knitId);
  });
});
