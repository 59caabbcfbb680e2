import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataDetail, Lineage, PlanDetail, PlanGraph } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
let raw: DataDetail;
let plans: [PlanDetail, PlanDetail];
beforeAll(async () => {
  running = await RunningKnit.start();
  plans = [
    await running.applyPlan({ input: 'l:raw', output: 'l:mid', script: 'true' }),
    await running.applyPlan({ input: 'l:mid', output: 'l:end', script: 'true' }),
  ];
  raw = await running.push(await running.directory('lineage', { a: '1' }), 'l:raw', 'say:"hi" \\N &lt;');
  expect((await running.knit('run', 'wait', '--timeout', '25s')).code).toBe(0);
});
afterAll(async () => {
  expect(await running.stop()).toBe(0);
});

describe('knit data lineage', () => {
  it('draws Graphviz DOT by default, and says nothing else where no one reads along', async () => {
    const { code, stdout, stderr } = await running.knit('data', 'lineage', raw.knitId);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^digraph "knit data lineage ${raw.knitId}" `));
    for (const tag of ['l:raw', 'l:mid', 'l:end']) expect(stdout).toContain(tag);
  });

  it('goes as far and in the direction that is asked for', async () => {
    const tagsOf = async (...args: string[]) => {
      const command = ['data', 'lineage', '--format', 'json', ...args, raw.knitId];
      const { data } = await running.json<Lineage>(command);
      return data.flatMap(({ tags }) => tags.filter((tag) => tag.startsWith('l:'))).sort();
    };
    expect(await tagsOf()).toEqual(['l:end', 'l:mid', 'l:raw']);
    expect(await tagsOf('-n', '1')).toEqual(['l:mid', 'l:raw']);
    expect(await tagsOf('-u', '-n', 'all')).toEqual(['l:raw']);
    expect(await tagsOf('-u', '-d', '-n', 'all')).toEqual(['l:end', 'l:mid', 'l:raw']);
  });

  it('draws a picture, a page and a tree, too', async () => {
    const drawn = async (format: string) =>
      (await running.knit('data', 'lineage', '--format', format, raw.knitId)).stdout;
    expect(await drawn('svg')).toMatch(/<svg[\s\S]*<tspan class="key">l:<\/tspan>end[\s\S]*<\/svg>/);
    expect(await drawn('html')).toMatch(/^<!doctype html>[\s\S]*l:end/);
    const text = await drawn('text');
    expect(text).toMatch(new RegExp(`^Data ${raw.knitId}  l:raw`));
    expect(text).toMatch(/used for\n.*Run .*done.*host:v1/);
  });

  it('writes into a file, in the format that its name asks for', async () => {
    const read = async (name: string, ...args: string[]) => {
      const outcome = await running.knit('data', 'lineage', '-o', name, ...args, raw.knitId);
      expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
      return await readFile(join(running.home.work, name), 'utf8');
    };
    expect(await read('lineage.html')).toMatch(/^<!doctype html>/);
    expect(await read('lineage.SVG')).toMatch(/^<\?xml/);
    expect(JSON.parse(await read('lineage.json'))).toMatchObject({ root: raw.knitId });
    expect(await read('without-ending')).toMatch(/^digraph/);
    expect(await read('dot.txt', '--format', 'dot')).toMatch(/^digraph/);
    const { code, stderr } = await running.knit('data', 'lineage', '-o', 'none/x.svg', raw.knitId);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('no such file') });
  });

  it('understands --output json, and refuses what a graph can not be', async () => {
    const graph = await running.json<Lineage>(['data', 'lineage', '--output', 'json', raw.knitId]);
    expect(graph.root).toBe(raw.knitId);
    const { code, stderr } = await running.knit('data', 'lineage', '--output', 'yaml', raw.knitId);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('--output json') });
  });
});

describe('knit plan graph', () => {
  it('draws Graphviz DOT by default', async () => {
    const [first, second] = plans;
    const { code, stdout } = await running.knit('plan', 'graph', first.planId);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^digraph "knit plan graph ${first.planId}" `));
    expect(stdout).toContain(`"${first.planId}" -> "${second.planId}" [label="/out → /in/data"]`);
  });

  it('goes as far and in the direction that is asked for', async () => {
    const [first, second] = plans.map(({ planId }) => planId);
    const idsOf = async (...args: string[]) => {
      const graph = await running.json<PlanGraph>(['plan', 'graph', '--format', 'json', ...args]);
      return graph.plans.map(({ planId }) => planId);
    };
    expect((await idsOf(first ?? '')).sort()).toEqual([first, second].sort());
    expect(await idsOf('-u', first ?? '')).toEqual([first]);
    expect(await idsOf('-n', '0', second ?? '')).toEqual([second]);
  });

  it('says that there is no such Plan', async () => {
    const { code, stderr } = await running.knit('plan', 'graph', '00000000-0000-4000-8000-000000000000');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('no Plan') });
  });
});
