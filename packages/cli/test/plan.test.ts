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

  it('apply refuses fields that mean nothing, and warns of an image without a tag', async () => {
    const input = 'image: host\nentrypont: ["true"]\ninputs: [{path: /in, tags: ["warn:in"]}]\n';
    const refused = await running.home.knit(['plan', 'apply', '-'], { input });
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toBe(
      'knit: stdin:2:1: the field "entrypont" means nothing here\n  Did you mean "entrypoint"?\n',
    );
    const { code, stderr } = await running.home.knit(['plan', 'apply', '-'], {
      input: input.replace('entrypont', 'entrypoint'),
    });
    expect(code).toBe(0);
    expect(stderr).toContain('stdin:1:8: the image host has no tag');
  });

  it('apply and its dry run name the Plans over which what a Plan makes comes back to it', async () => {
    const first = await running.applyPlan({ input: 'cycle:a', output: 'cycle:b', script: 'true' });
    const second = await running.applyPlan({ input: 'cycle:b', output: 'cycle:c', script: 'true' });
    const input =
      'image: host:v1\nentrypoint: ["true"]\ninputs: [{path: /in, tags: ["cycle:c"]}]\noutputs: [{path: /out, tags: ["cycle:a"]}]\n';
    const words = `comes back to its own input over the Plans ${first.planId}, ${second.planId}: `;
    const dry = await running.home.knit(['plan', 'apply', '--dry-run', '-'], { input });
    expect(dry.stdout).toContain(words);
    const { code, stderr } = await running.home.knit(['plan', 'apply', '-'], { input });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(words) });
    expect(stderr).toMatch(/Stop it with `knit plan active no /);
  });

  it('apply registers all Plans of all files, or none of them when one can not be read', async () => {
    const plan = (tag: string) =>
      `image: host:v1\nentrypoint: ["true"]\ninputs: [{path: /in, tags: ["${tag}"]}]\n`;
    await running.directory('several', {
      'two.yaml': `${plan('several:1')}---\n${plan('several:2')}`,
      'one.yaml': plan('several:3'),
      'bad.yaml': plan('bad'),
    });
    const refused = await running.knit('plan', 'apply', 'several/two.yaml', 'several/bad.yaml');
    expect(refused).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('several/bad.yaml:3:29'),
    });
    expect(await running.json(['plan', 'find', '-i', 'several:1'])).toEqual([]);
    const { code, stdout } = await running.knit('plan', 'apply', 'several/two.yaml', 'several/one.yaml');
    expect(code).toBe(0);
    const printed = stdout
      .split(/\n(?=\{)/)
      .map((text) => (JSON.parse(text) as PlanDetail).inputs[0]?.tags[0]);
    expect(printed).toEqual(['several:1', 'several:2', 'several:3']);
  });

  it('apply --dry-run says what would start, and registers nothing', async () => {
    await running.push(await running.directory('dry', { a: '1' }), 'dry:in');
    const input = 'image: host:v1\nentrypoint: ["true"]\ninputs: [{path: /in, tags: ["dry:in"]}]\n';
    const { stdout } = await running.home.knit(['plan', 'apply', '--dry-run', '-'], { input });
    expect(JSON.parse(stdout)).toMatchObject({
      plan: { image: 'host:v1' },
      runs: { count: 1, first: [{ inputs: [{ path: '/in' }] }] },
    });
    const table = await running.home.knit(['plan', 'apply', '--dry-run', '--output', 'table', '-'], {
      input,
    });
    expect(table.stdout).toMatch(/\(not registered\)[\s\S]*1 would start[\s\S]*1\. \/in {2}dry:in {2}Data /);
    expect(await running.json(['plan', 'find', '-i', 'dry:in'])).toEqual([]);
    const { planId } = await running.json<PlanDetail>(['plan', 'apply', '-'], { input });
    expect(await running.json(['plan', 'apply', '--dry-run', '-'], { input })).toMatchObject({
      equalTo: planId,
    });
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
