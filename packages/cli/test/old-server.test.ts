import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataDetail, Lineage, PlanDetail, PlanGraph } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CountingProxy, type RunningProxy, startProxy } from './proxy.ts';
import { RunningKnit } from './running-knit.ts';

// A server as old as Knitfab 1.6, which has none of the additions, and one that fails half-way.

let running: RunningKnit;
let old: CountingProxy;
let failing: RunningProxy;

beforeAll(async () => {
  running = await RunningKnit.start();
  const apiRoot = await running.apiRoot();
  old = await startProxy(apiRoot, (_, path) => (isAddition(path) ? 404 : undefined));
  failing = await startProxy(apiRoot, (method, path) =>
    method === 'PUT' && path.startsWith('/api/data/') ? 503 : undefined,
  );
  const profiles = { old: { apiRoot: old.apiRoot }, failing: { apiRoot: failing.apiRoot } };
  await running.directory('../.knit', { profile: JSON.stringify(profiles) });
});

afterAll(async () => {
  old.close();
  failing.close();
  await running.stop();
});

describe('a 1.6 server', () => {
  it('gets and gives gzipped archives with their checksums', async () => {
    const source = await running.directory('tree', { a: 'hello' });
    const { knitId } = await running.json<DataDetail>(['data', 'push', '--profile', 'old', source]);
    const [upload] = old.passed.filter(({ method }) => method === 'POST');
    expect(upload?.headers['content-type']).toBe('application/tar+gzip');
    expect(upload?.trailers['x-checksum-md5']).toMatch(/^[0-9a-f]{32}$/);
    expect((await running.knit('data', 'pull', '--profile', 'old', '-x', knitId, 'out')).code).toBe(0);
    expect(await readdir(join(running.home.work, 'out', knitId))).toEqual(['a']);
  });

  it('is asked for Data and Runs one by one, and the lineage is the same', async () => {
    await running.applyPlan({ input: 'o:raw', output: 'o:mid', script: 'true' });
    await running.applyPlan({ input: 'o:mid', output: 'o:end', script: 'true' });
    await running.push(await running.directory('lineage', { a: '1' }), 'o:raw');
    expect((await running.knit('run', 'wait', '--timeout', '25s')).code).toBe(0);
    const [mid] = await running.json<DataDetail[]>(['data', 'find', '-t', 'o:mid']);
    for (const flags of [['-n', 'all'], ['-n', '1'], ['-u'], ['-d', '-n', '1'], ['-n', '0']]) {
      const args = ['data', 'lineage', '--format', 'json', ...flags, mid?.knitId ?? ''];
      const [walked, answered] = await Promise.all([
        running.json<Lineage>([...args, '--profile', 'old']),
        running.json<Lineage>(args),
      ]);
      expect(sorted(walked)).toEqual(sorted(answered));
    }
  });

  it('is asked for Plans one by one, and their graph is the same', async () => {
    const plans = [
      await register('q:raw', 'q:mid'),
      await register('q:mid', 'q:end'),
      await register('q:end', 'q:raw'),
      await register('log-of:q:mid', 'q:report'),
    ];
    for (const flags of [['-n', 'all'], ['-n', '1'], ['-u'], ['-d', '-n', '1'], ['-n', '0']]) {
      const args = ['plan', 'graph', '--format', 'json', ...flags, plans[1] ?? ''];
      const [walked, answered] = await Promise.all([
        running.json<PlanGraph>([...args, '--profile', 'old']),
        running.json<PlanGraph>(args),
      ]);
      expect(sortedPlans(walked)).toEqual(sortedPlans(answered));
    }
  });

  it('is asked for a few things at once, whatever there is', async () => {
    for (let index = 0; index < 30; index++) await register('q:many', `q:one-of-${index}`);
    const root = await register('q:none', 'q:many');
    old.mostAtOnce = 0;
    const args = ['plan', 'graph', '--format', 'json', '--profile', 'old', root];
    expect((await running.json<PlanGraph>(args)).plans).toHaveLength(31);
    expect(old.mostAtOnce).toBeGreaterThan(1);
    expect(old.mostAtOnce).toBeLessThanOrEqual(8);
  });

  it('says in its own words what it refuses', async () => {
    const { code, stderr } = await running.knit(
      'data',
      'lineage',
      '--profile',
      'old',
      '00000000-0000-4000-8000-000000000000',
    );
    expect(code).toBe(1);
    expect(stderr).toContain('there is no Data');
  });
});

/** Registers a Plan for which there are no Data. */
async function register(input: string, output: string): Promise<string> {
  const answer = await fetch(`${old.apiRoot}/plans`, {
    method: 'POST',
    body: JSON.stringify({
      image: 'host:v1',
      entrypoint: ['true'],
      inputs: [{ path: '/in', tags: [input] }],
      outputs: [{ path: '/out', tags: [output] }],
      log: { tags: [`log-of:${output}`] },
    }),
  });
  return ((await answer.json()) as PlanDetail).planId;
}

/** What 1.6 does not have. */
const isAddition = (path: string): boolean =>
  /^\/api\/(lineage|version)|^\/api\/plans\/[^/]+\/graph/.test(path);

/** The same graph of Plans in one order. */
function sortedPlans({ plans, edges, ...rest }: PlanGraph): unknown {
  const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  return { ...rest, plans: plans.sort(byText), edges: edges.sort(byText) };
}

/** The same graph in one order. */
function sorted({ data, runs, edges, ...rest }: Lineage): unknown {
  const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  return {
    ...rest,
    data: data.sort(byText),
    runs: runs.map(({ runId }) => runId).sort(),
    edges: edges.map(({ runId, knitId, role, path }) => [runId, knitId, role, path]).sort(byText),
  };
}

describe('a server that fails after the upload', () => {
  it('is left without the Data that could not be tagged', async () => {
    const before = await running.json<DataDetail[]>(['data', 'find']);
    const source = await running.directory('untagged', { a: '1' });
    const { code, stdout, stderr } = await running.knit(
      'data',
      'push',
      '--profile',
      'failing',
      '-t',
      'type:x',
      source,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/can't push .*: refused\n {2}by the proxy\n {2}The server at .* answered 503/);
    expect(await running.json(['data', 'find'])).toEqual(before);
  });
});
