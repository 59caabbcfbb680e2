import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import type { DataDetail, RunDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
beforeAll(async () => {
  running = await RunningKnit.start();
});
afterAll(async () => {
  expect(await running.stop()).toBe(0);
});

describe('knit run', () => {
  it('runs a pipeline by itself, shows what was written, and waits for the end', async () => {
    const count = await running.applyPlan({
      input: 'p:raw',
      output: 'p:count',
      script: 'echo counting; ls /in/data | wc -l > /out/n',
    });
    const report = await running.applyPlan({
      input: 'p:count',
      output: 'p:report',
      script: 'cat /in/data/n > /out/report',
    });
    await running.push(await running.directory('pipeline', { a: '1', b: '2' }), 'p:raw');
    const waited = await running.knit('run', 'wait', '--timeout', '25s');
    expect(waited.code).toBe(0);
    const [[first], [second]] = [await running.runsOf(count), await running.runsOf(report)];
    expect([first?.status, second?.status]).toEqual(['done', 'done']);
    expect((await running.knit('run', 'show', '--log', first?.runId ?? '')).stdout).toBe('counting\n');
    expect(await running.json(['run', 'show', first?.runId ?? ''])).toEqual(first);
    const [made] = await running.json<DataDetail[]>(['data', 'find', '-t', 'p:report']);
    await running.knit('data', 'pull', '-x', made?.knitId ?? '', 'report');
    expect(
      (await readFile(join(running.home.work, 'report', made?.knitId ?? '', 'report'), 'utf8')).trim(),
    ).toBe('2');
    const [found] = await running.json<RunDetail[]>([
      'run',
      'find',
      '-o',
      made?.knitId ?? '',
      '-s',
      'done,failed',
    ]);
    expect(found?.runId).toBe(second?.runId);
  });

  it('wait fails when a Run does, which can be retried and deleted', async () => {
    const plan = await running.applyPlan({
      input: 'f:raw',
      output: 'f:out',
      script: 'echo oh no >&2; exit 3',
    });
    await running.push(await running.directory('failing', { a: '1' }), 'f:raw');
    const { runId } = await running.firstRunOf(plan);
    const { code, stdout, stderr } = await running.knit('run', 'wait', runId);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([{ runId, status: 'failed', exit: { code: 3 } }]);
    expect(stderr).toContain('1 of 1 Runs failed');
    const stopped = await running.knit('run', 'stop', runId);
    expect(stopped).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/can't be stopped[\s\S]*answered 409/),
    });
    expect(await running.json<RunDetail>(['run', 'retry', runId])).toMatchObject({ runId });
    expect((await running.knit('run', 'wait', runId)).code).toBe(1);
    expect((await running.knit('run', 'show', runId, '--output', 'table')).stdout).toMatch(
      /^status +failed, exit 3: /m,
    );
    expect(await running.knit('run', 'rm', runId)).toMatchObject({ code: 0, stdout: '' });
    expect(await running.runsOf(plan)).toEqual([]);
  });

  it('follows a log until the Run is stopped as a success', async () => {
    const plan = await running.applyPlan({
      input: 's:raw',
      output: 's:out',
      script: 'echo started; sleep 600',
    });
    await running.push(await running.directory('endless', { a: '1' }), 's:raw');
    const { runId } = await running.firstRunOf(plan);
    await expect
      .poll(async () => (await running.json<RunDetail>(['run', 'show', runId])).status, { timeout: 20_000 })
      .toBe('running');
    const follower = running.home.start(['run', 'show', '--log', '--follow', runId]);
    const [line] = (await once(createInterface(follower.stdout), 'line')) as string[];
    expect(line).toBe('started');
    await running.json(['run', 'stop', runId]);
    if (follower.exitCode === null) await once(follower, 'exit');
    expect(follower.exitCode).toBe(0);
    expect((await running.knit('run', 'wait', runId)).code).toBe(0);
  });

  it('stop --fail ends a Run as a failure', async () => {
    const plan = await running.applyPlan({ input: 'a:raw', output: 'a:out', script: 'sleep 600' });
    await running.push(await running.directory('aborted', { a: '1' }), 'a:raw');
    const { runId } = await running.firstRunOf(plan);
    await running.json(['run', 'stop', '--fail', runId]);
    const { code, stdout } = await running.knit('run', 'wait', runId);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { status: 'failed', exit: { code: 253, message: 'aborted by user' } },
    ]);
  });

  it('wait gives up in time, and ends at once when it is interrupted', async () => {
    const plan = await running.applyPlan({ input: 'w:raw', output: 'w:out', script: 'sleep 600' });
    await running.push(await running.directory('waiting', { a: '1' }), 'w:raw');
    const { runId } = await running.firstRunOf(plan);
    const { code, stderr } = await running.knit('run', 'wait', '--timeout', '100ms', runId);
    expect(code).toBe(1);
    expect(stderr).toContain(`the Run ${runId} is still`);
    const child = running.home.start(['run', 'wait', runId]);
    await once(child, 'spawn');
    await setTimeout(1000);
    child.kill('SIGINT');
    await once(child, 'exit');
    expect(child.exitCode).toBe(130);
    await running.json(['run', 'stop', runId]);
  });
});
