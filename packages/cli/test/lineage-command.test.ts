import type { DataDetail, Lineage } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
beforeAll(async () => {
  running = await RunningKnit.start();
});
afterAll(async () => {
  expect(await running.stop()).toBe(0);
});

describe('knit data lineage', () => {
  let root: DataDetail;
  beforeAll(async () => {
    await running.applyPlan({ input: 'l:raw', output: 'l:mid', script: 'true' });
    await running.applyPlan({ input: 'l:mid', output: 'l:end', script: 'true' });
    root = await running.push(await running.directory('lineage', { a: '1' }), 'l:raw', 'say:"hi" \\N &lt;');
    expect((await running.knit('run', 'wait', '--timeout', '25s')).code).toBe(0);
  });

  it('draws Graphviz DOT by default', async () => {
    const { code, stdout } = await running.knit('data', 'lineage', root.knitId);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^digraph /);
    for (const tag of ['l:raw', 'l:mid', 'l:end']) expect(stdout).toContain(tag);
  });

  it('goes as far and in the direction that is asked for', async () => {
    const tagsOf = async (...args: string[]) => {
      const { data } = await running.json<Lineage>([
        'data',
        'lineage',
        '--format',
        'json',
        ...args,
        root.knitId,
      ]);
      return data.flatMap(({ tags }) => tags.filter((tag) => tag.startsWith('l:'))).sort();
    };
    expect(await tagsOf()).toEqual(['l:end', 'l:mid', 'l:raw']);
    expect(await tagsOf('-n', '1')).toEqual(['l:mid', 'l:raw']);
    expect(await tagsOf('-u', '-n', 'all')).toEqual(['l:raw']);
    expect(await tagsOf('-u', '-d', '-n', 'all')).toEqual(['l:end', 'l:mid', 'l:raw']);
  });

  it('draws a picture and a tree, too', async () => {
    expect((await running.knit('data', 'lineage', '--format', 'svg', root.knitId)).stdout).toMatch(
      /<svg[\s\S]*l:end[\s\S]*<\/svg>/,
    );
    const text = (await running.knit('data', 'lineage', '--format', 'text', root.knitId)).stdout;
    expect(text).toMatch(new RegExp(`^Data ${root.knitId}  l:raw`));
    expect(text).toMatch(/used for\n.*Run .*done.*host:v1/);
  });
});
