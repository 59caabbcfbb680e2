import type { PlanSpec } from '@knitfab/api';
import { describe, expect, test } from 'vitest';
import { connectedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

/** `knit run show` says why a Run has failed or does not start, so that nobody needs `kubectl describe` (spec page 7). */
describe.skipIf(!surroundings.hasCluster)('the cause of trouble', { concurrent: true }, () => {
  const knitfab = connectedInstallation();
  const runs = new SingleRuns(knitfab);

  test('is the exit code of a program that fails, and its log is kept', async () => {
    const run = await runs.ended(await runs.script('echo about to fail; exit 3'));
    expect(run).toMatchObject({ status: 'failed', exit: { code: 3 } });
    expect(await knitfab.log(run.runId)).toBe('about to fail\n');
  });

  test('is memory that was too small', async () => {
    const resources = { cpu: '500m', memory: '32Mi' };
    const run = await runs.ended(await runs.script('echo growing; tail /dev/zero', { resources }));
    expect(run).toMatchObject({
      status: 'failed',
      exit: { code: 137, message: expect.stringContaining('OOMKilled') },
    });
    expect(await knitfab.log(run.runId)).toMatch(/^growing\n/);
  });

  test('is a program that the image does not have', async () => {
    const planId = await runs.started({ entrypoint: ['/no/such/program'] });
    expect((await runs.ended(planId)).status).toBe('failed');
    await runs.shown(planId, /\/no\/such\/program/);
  });

  test('is an image that can not be pulled: it is named while it is tried, and after it was given up', async () => {
    const plan = { image: 'localhost:30503/no/such:v1', entrypoint: ['true'], retry: { lost: 0 } };
    const planId = await runs.started(plan);
    await runs.shown(planId, /no\/such:v1.*(pull|registry)|(pull|registry).*no\/such:v1/i);
    const run = await runs.ended(planId);
    expect(run).toMatchObject({ status: 'failed', exit: { message: expect.stringContaining('no/such:v1') } });
  });

  test('is a service account that does not exist', async () => {
    const planId = await runs.started({ entrypoint: ['true'], service_account: 'no-such-account' });
    await runs.shown(planId, /no-such-account/);
  });

  test.for<[string, Partial<PlanSpec>, RegExp]>([
    ['more memory than any node has', { resources: { cpu: '50m', memory: '900Gi' } }, /memory/],
    ['a resource that no node has', { resources: { 'example.com/gpu': '1' } }, /example\.com\/gpu/],
    ['a label that no node has', { on_node: { must: ['accelerator=none-such'] } }, /accelerator=none-such/],
  ])('is that no node fits: %s; the Run waits, and can be stopped', async ([, plan, expected]) => {
    const planId = await runs.started({ entrypoint: ['true'], ...plan });
    await runs.shown(planId, expected);
    const { runId } = await runs.is('starting', planId);
    await knitfab.client.abortRun(runId);
    expect(await runs.ended(planId)).toMatchObject({ status: 'failed', exit: { code: 253 } });
  });

  test('is that the worker was lost when somebody has deleted it', async () => {
    const planId = await runs.script('echo begun; sleep 30', { retry: { lost: 0 } });
    const run = await runs.ended(await deletedOnceRunning(planId));
    expect(run).toMatchObject({ status: 'failed', cause: 'lost', exit: { code: 254 } });
    expect(run).not.toHaveProperty('attempts');
  });

  test('is told of the attempt that was lost when the Run was run again by itself', async () => {
    const planId = await runs.script('echo begun; sleep 5; echo ended', { retry: { backoff: '1s' } });
    const run = await runs.ended(await deletedOnceRunning(planId));
    expect(run).toMatchObject({
      status: 'done',
      attempts: [{ attempt: 1, cause: 'lost', exit: { code: 254 } }],
    });
    expect(await knitfab.log(run.runId)).toBe('begun\nended\n');
  });

  /** Takes the worker's Pod away as soon as it runs. @returns the Plan's id */
  async function deletedOnceRunning(planId: string): Promise<string> {
    const { runId } = await runs.is('running', planId);
    await knitfab.kubectl('delete', 'pod', '--force', `--selector=knitfab/run-id=${runId}`);
    return planId;
  }
});
