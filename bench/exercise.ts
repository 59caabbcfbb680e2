import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KnitServer } from '../e2e/knit-server.ts';
import { ids } from './scale-database.ts';

/** Asks everything of a server that has a large database: each statement of the API and of the loops is executed. */
export async function exercise(server: KnitServer): Promise<void> {
  const { client } = server;
  const source = await mkdtemp(join(tmpdir(), 'knit-bench-'));
  await writeFile(join(source, 'file'), 'one line\n');
  const round = Date.now();

  const page = async (path: string) => {
    const answer = await fetch(`${client.apiRoot}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
    const next = /<\/api(.*)>/.exec(answer.headers.get('link') ?? '')?.[1];
    await answer.arrayBuffer();
    return next;
  };
  const stamp = encodeURIComponent('knit#timestamp:2026-01-01T00:10:00.000+00:00');
  for (const query of [
    'tag=group:7',
    'tag=dataset:all&tag=group:8',
    'tag=dataset:all&limit=100',
    'tag=split:train&limit=1000',
    'tag=split:train&tag=made-by:7&limit=100',
    'tag=dataset:all&tag=no:such',
    'tag=dataset:all&since=2026-01-02T00:00:00Z&duration=10s',
    `tag=knit%23id:${ids.upload(7)}`,
    `tag=${stamp}`,
    'tag=knit%23transient:failed',
    'tag=knit%23transient:processing',
    'limit=100',
    'limit=100&since=2026-01-02T00:00:00Z',
  ]) {
    const next = await page(`/data?${query}`);
    if (next !== undefined) await page(next);
  }
  for (const query of [
    'limit=100',
    'status=failed&limit=100',
    'status=done&limit=100',
    'status=waiting,running',
    `plan=${ids.plan(7)}`,
    `plan=${ids.plan(7)}&status=failed`,
    `plan=${ids.plan(7)},${ids.plan(8)}&limit=10`,
    `knitIdInput=${ids.upload(7)}`,
    `knitIdOutput=${ids.output(7)}`,
    `knitIdInput=${ids.upload(7)}&plan=${ids.plan(7)}&status=done`,
    'since=2026-01-01T00:00:10Z&duration=10s',
  ]) {
    const next = await page(`/runs?${query}`);
    if (next !== undefined) await page(next);
  }
  for (const query of [
    'limit=10',
    'in_tag=group:7',
    'out_tag=made-by:7',
    'image=example.com/plan-7',
    'active=false',
  ])
    await page(`/plans?${query}`);
  await client.getLineage({ knitId: ids.output(7) }, { depth: 'all' });
  await client.getLineage({ runId: ids.run(7) }, { depth: 2 });
  await page(`/why?knitId=${ids.upload(7)}&planId=${ids.plan(7)}`).catch(() => {});
  await page(`/plans/${ids.plan(7)}/graph?direction=both&depth=all`).catch(() => {});

  // Work: pushed, nominated, projected, run, and what users do with Runs.
  const plan = (name: string, tags: string[], rest: object = {}) => ({
    image: `host:${name}-${round}`,
    entrypoint: ['true'],
    inputs: [{ path: '/in', tags }],
    outputs: [{ path: '/out', tags: [`${name}:out-${round}`] }],
    log: { tags: [] },
    ...rest,
  });
  await server.register(plan('hundred', ['group:100', 'dataset:all'], { active: false }));
  await server.register(plan('all', ['split:train', 'group:101'], { active: false }));
  const planId = await server.register(plan('work', [`work:${round}`]));
  await server.register(plan('next', [`work:out-${round}`]));
  const pushed = await server.push(source, `work:${round}`, 'dataset:all');
  const [run] = await server.finished(planId, 1);
  await client.tagData(pushed, { add: [`work:more-${round}`], remove_key: ['dataset'] });
  await client.deactivatePlan(planId);
  await client.activatePlan(planId);
  await client.deleteRun(run?.runId ?? '').catch(() => {});
  for (const next of await client.findRuns({
    knitIdInput: run?.outputs.map((output) => output.knitId) ?? [],
  })) {
    await server.finished(next.plan.planId, 1);
    await client.retryRun(next.runId);
    await server.finished(next.plan.planId, 1);
    await client.deleteRun(next.runId);
  }
  await client.deleteRun(run?.runId ?? '');
  await rm(source, { recursive: true });
}
