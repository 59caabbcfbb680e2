import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlanDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
beforeAll(async () => {
  running = await RunningKnit.start();
});
afterAll(async () => {
  expect(await running.stop()).toBe(0);
});

describe('knit plan', () => {
  it('apply, show and find agree', async () => {
    const plan = await running.applyPlan({ input: 'plan:in', output: 'plan:out', script: 'true' });
    expect(plan).toMatchObject({
      image: 'host:v1',
      active: true,
      inputs: [{ path: '/in/data', tags: ['plan:in'] }],
    });
    expect(await running.json(['plan', 'show', plan.planId])).toEqual(plan);
    const find = (...args: string[]) => running.json<PlanDetail[]>(['plan', 'find', ...args]);
    expect(await find('-i', 'plan:in')).toEqual([plan]);
    expect(await find('-o', 'plan:out', '--image', 'host', '--active', 'yes')).toEqual([plan]);
    expect(await find('-o', 'plan:out', '--image', 'host:v2')).toEqual([]);
    expect(await find('-o', 'plan:out', '--active=no')).toEqual([]);
  });

  it('apply names the equal Plan when there is one', async () => {
    const text = { input: 'twice:in', output: 'twice:out', script: 'true' };
    const { planId } = await running.applyPlan(text);
    await expect(running.applyPlan(text)).rejects.toThrow(new RegExp(`exited with 1: knit: .*${planId}`));
  });

  it('apply names line and column of a mistake, and registers nothing', async () => {
    const file = join(await running.directory('plans', {}), 'bad.yaml');
    await writeFile(file, 'image: host:v1\ninputs:\n  - path: /in\n    tags: ["mistake"]\n');
    const { code, stdout, stderr } = await running.knit('plan', 'apply', file);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/bad\.yaml:4:12: inputs\[0\]\.tags\[0\]: "mistake" is not a tag/);
  });

  it('apply warns of fields that mean nothing, and of an image without a tag', async () => {
    const input =
      'image: host:v1\nentrypont: ["true"]\nentrypoint: ["true"]\ninputs: [{path: /in, tags: ["warn:in"]}]\n';
    const { code, stderr } = await running.home.knit(['plan', 'apply', '-'], { input });
    expect(code).toBe(0);
    expect(stderr).toContain(
      'stdin:2:1: the field "entrypont" means nothing here and is ignored. Did you mean "entrypoint"?',
    );
  });

  it('apply says what else to do where an image can not run', async () => {
    const input = 'image: registry.example.com/train:v1\ninputs: [{path: /in, tags: ["image:in"]}]\n';
    const { code, stderr } = await running.home.knit(['plan', 'apply', '-'], { input });
    expect(code).toBe(1);
    expect(stderr).toMatch(/host:|Docker/);
  });

  it('changes what is no part of its identity', async () => {
    const { planId } = await running.applyPlan({ input: 'change:in', output: 'change:out', script: 'true' });
    const change = (...args: string[]) => running.json<PlanDetail>(['plan', ...args, planId]);
    expect((await change('active', 'no')).active).toBe(false);
    expect((await change('active', 'true')).active).toBe(true);
    expect((await change('resource', '--set', 'cpu=2', '-s', 'memory=64Mi')).resources).toEqual({
      cpu: '2',
      memory: '64Mi',
    });
    expect((await change('resource', '-u', 'cpu')).resources).toEqual({ memory: '64Mi' });
    expect((await change('annotate', '--add', 'b=2', '--add', 'a=1')).annotations).toEqual(['a=1', 'b=2']);
    expect(
      (await change('annotate', '--remove-key', 'a', '--remove', 'b=2', '--add', 'c=3')).annotations,
    ).toEqual(['c=3']);
    expect((await change('serviceaccount', '--set', 'trainer')).service_account).toBe('trainer');
    expect(await change('serviceaccount', '--unset')).not.toHaveProperty('service_account');
  });

  it('is not found by an id that no Plan has', async () => {
    const { code, stderr } = await running.knit('plan', 'show', '00000000-0000-4000-8000-000000000000');
    expect(code).toBe(1);
    expect(stderr).toMatch(/there is no Plan/i);
  });
});
