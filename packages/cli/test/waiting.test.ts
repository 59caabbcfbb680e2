import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { RunDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningProxy, startProxy } from './proxy.ts';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
beforeAll(async () => {
  running = await RunningKnit.start();
});
afterAll(() => running.stop());

/** A Run of a script of its own. */
async function start(name: string, script: string): Promise<RunDetail> {
  const plan = await running.applyPlan({ input: `${name}:in`, output: `${name}:out`, script });
  await running.push(await running.directory(name, { a: '1' }), `${name}:in`);
  return await running.firstRunOf(plan);
}

async function ended(child: ReturnType<typeof running.home.start>) {
  const [stdout, stderr] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    child.exitCode ?? once(child, 'exit'),
  ]);
  return { code: child.exitCode, stdout, stderr };
}

describe('knit run wait', () => {
  it('says what it waits for, and names the Runs that failed', async () => {
    const bad = await start('bad', 'sleep 4; exit 3');
    const good = await start('good', 'sleep 4');
    const { code, stderr } = await running.knit('run', 'wait', bad.runId, good.runId);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Waiting for 2 Runs: /);
    expect(stderr).toContain(`The Run ${bad.runId} ended: failed, exit 3`);
    expect(stderr).toContain(`knit: 1 of 2 Runs failed: ${bad.runId}\n`);
  });

  it('says when there is nothing to wait for', async () => {
    const { runId } = await start('over', 'true');
    await running.knit('run', 'wait', runId);
    const again = await running.knit('run', 'wait', runId, '--output', 'table');
    expect(again).toMatchObject({ code: 0, stderr: 'Nothing to wait for: they have ended already.\n' });
    expect(again.stdout).toContain(runId);
    const none = await running.knit('run', 'wait', '--output', 'table');
    expect(none).toEqual({
      code: 0,
      stdout: 'Nothing to wait for: no Run is in progress.\n',
      stderr: '',
    });
  });

  it('waits for the Runs of one Plan, and leaves the others alone', async () => {
    const endless = await start('endless', 'sleep 600');
    const { plan } = await start('brief', 'sleep 1');
    expect((await running.knit('run', 'wait', '--plan', plan.planId, '--timeout', '25s')).code).toBe(0);
    await running.json(['run', 'stop', endless.runId]);
  });

  it('says why a Run does not start', async () => {
    const plan = await running.applyPlan({ input: 'idle:in', output: 'idle:out', script: 'true' });
    await running.json(['plan', 'active', 'no', plan.planId]);
    await running.push(await running.directory('idle', { a: '1' }), 'idle:in');
    const { runId } = await running.firstRunOf(plan);
    const { code, stderr } = await running.knit('run', 'wait', '--timeout', '1s', runId);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`The Run ${runId}: .*its Plan is not active`));
    expect(stderr).toContain(`after 1s, the Run ${runId} is still`);
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('goes on over a restart of the server (%s)', async (signal) => {
    const { runId } = await start(`restart-${signal}`, 'sleep 6');
    const waiting = running.home.start(['run', 'wait', runId]);
    const outcome = ended(waiting);
    await once(waiting.stderr, 'data');
    await running.restart(signal, () => setTimeout(2500));
    const { code, stdout, stderr } = await outcome;
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/Trying again …\n[\s\S]*answers again\.\n[\s\S]*ended: done/),
    });
    expect(JSON.parse(stdout)).toMatchObject([{ runId, status: 'done' }]);
  });
});

describe('knit run show --log --follow', () => {
  /** Lines that are all different, written over some seconds. */
  const script = 'seq 1 20000; sleep 3; seq 20001 40000; sleep 3; seq 40001 60000';
  const expected = Array.from({ length: 60_000 }, (_, index) => `${index + 1}\n`).join('');

  it.each(['SIGINT', 'SIGKILL'] as const)(
    'neither loses nor doubles a byte over a restart of the server (%s)',
    async (signal) => {
      const { runId } = await start(`follow-${signal}`, script);
      const follower = running.home.start(['run', 'show', '--log', '--follow', runId]);
      const outcome = ended(follower);
      await once(follower.stdout, 'data');
      await running.restart(signal, () => setTimeout(500));
      const { code, stdout } = await outcome;
      expect(code).toBe(0);
      expect(stdout === expected).toBe(true);
    },
  );

  it('waits for the Run to start', async () => {
    const plan = await running.applyPlan({ input: 'late:in', output: 'late:out', script: 'echo late' });
    await running.json(['plan', 'active', 'no', plan.planId]);
    await running.push(await running.directory('late', { a: '1' }), 'late:in');
    const { runId } = await running.firstRunOf(plan);
    const follower = running.home.start(['run', 'show', '--log', '-f', runId]);
    const [line] = (await once(createInterface(follower.stderr), 'line')) as string[];
    expect(line).toContain('Waiting for 1 Run: 1 deactivated');
    const outcome = ended(follower);
    await running.json(['plan', 'active', 'yes', plan.planId]);
    expect(await outcome).toMatchObject({ code: 0, stdout: 'late\n' });
  });
});

describe('a server without events', () => {
  let old: RunningProxy;
  beforeAll(async () => {
    old = await startProxy(await running.apiRoot(), (_, path) =>
      path.startsWith('/api/events') ? 404 : undefined,
    );
    await running.directory('../.knit', { profile: JSON.stringify({ old: { apiRoot: old.apiRoot } }) });
  });
  afterAll(() => old.close());

  it('is asked now and then, and not all the time', async () => {
    const { runId } = await start('polled', 'sleep 4');
    const before = old.passed.length;
    expect((await running.knit('run', 'wait', '--profile', 'old', runId)).code).toBe(0);
    expect(old.passed.length - before).toBeLessThan(15);
  });
});
