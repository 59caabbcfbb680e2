import type { DataDetail, PlanDetail, RunDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { yamlText } from '../src/output/yaml.ts';
import { type RunningProxy, startProxy } from './proxy.ts';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
let old: RunningProxy;
const pushed: string[] = [];

beforeAll(async () => {
  running = await RunningKnit.start();
  const tree = await running.directory('tree', { a: '1' });
  for (let index = 0; index < 5; index++) {
    pushed.push((await running.push(tree, 'type:list', `n:${index}`)).knitId);
    await running.applyPlan({ input: `none:${index}`, output: 'o:o', script: 'true' });
  }
  old = await startProxy(await running.apiRoot(), (_, path) => (path.includes('limit') ? 500 : undefined));
});
afterAll(async () => {
  old.close();
  await running.stop();
});

const find = async (...args: string[]) => {
  const { code, stdout, stderr } = await running.knit('data', 'find', '-t', 'type:list', ...args);
  expect(code).toBe(0);
  return { ids: (JSON.parse(stdout) as DataDetail[]).map(({ knitId }) => knitId), stdout, stderr };
};

describe('a list', () => {
  it("is the API's JSON, indented by 4", async () => {
    const { stdout } = await find();
    const response = await fetch(`${await running.apiRoot()}/data?tag=type:list`);
    expect(stdout).toBe(`${JSON.stringify(await response.json(), null, 4)}\n`);
    expect((await running.knit('data', 'find', '-t', 'type:none')).stdout).toBe('[]\n');
  });

  it('is YAML that means the same', async () => {
    const { stdout } = await running.knit('data', 'find', '-t', 'type:list', '--output', 'yaml');
    expect(parse(stdout)).toEqual(JSON.parse((await find()).stdout));
  });

  it('ends where it is wanted to, and says that there is more', async () => {
    expect(await find('--limit', '2')).toMatchObject({
      ids: pushed.slice(0, 2),
      stderr: 'There are more than these 2: raise --limit, or leave it out.\n',
    });
    expect(await find('--limit', '5')).toMatchObject({ ids: pushed, stderr: '' });
    expect(await find('--last', '2')).toMatchObject({
      ids: pushed.slice(3),
      stderr: 'There are more before these 2: raise --last, or leave it out.\n',
    });
    expect(await find('--last', '9')).toMatchObject({ ids: pushed, stderr: '' });
    expect((await find('--limit', '1', '--transient', 'no')).ids).toEqual(pushed.slice(0, 1));
    expect(await running.json<PlanDetail[]>(['plan', 'find', '--limit', '2'])).toHaveLength(2);
    expect(await running.json<RunDetail[]>(['run', 'find', '--last', '2'])).toHaveLength(2);
  });

  it('is asked for as a whole where all of it is wanted: one answer is one moment', async () => {
    const profiles = JSON.stringify({ old: { apiRoot: old.apiRoot } });
    await running.directory('../.knit', { profile: profiles });
    expect((await running.knit('data', 'find', '--profile', 'old')).code).toBe(0);
  });
});

it('YAML escapes what could command a terminal, and keeps its meaning', () => {
  const value = {
    tags: ['esc:\x1b[2J', 'c1:\u009b2J', 'bidi:a\u202eb', 'del:\x7f', 'two\nlines', '種類:木'],
  };
  const text = yamlText(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  expect(text).toContain('種類:木');
  expect(parse(text)).toEqual(value);
});
