import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { packTree } from '@knitfab/archive';
import { parseTag } from '@knitfab/core';
import { createLocalDrivers } from '@knitfab/drivers';
import { changeDataTags, findData, openStore, type Store, snapshot, transaction } from '@knitfab/store';
import { expect, onTestFinished, test } from 'vitest';
import { freshDatabase } from '../../store/test/database.ts';
import { DatabaseProxy } from '../../store/test/database-proxy.ts';
import { TestStore } from '../../store/test/fixture.ts';
import { examine, receiveData, runEngine } from '../src/index.ts';

// A real engine whose every statement and commit may be the one at which its connection is cut, or goes silent for ever.

/** What has to have happened before the connections are left in peace. */
const enough = { statements: 60, commits: 15, silences: 3 };

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'knit-cuts-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

test('whatever statement or commit a connection is cut at, each combination has one Run, and it is done', {
  timeout: 240_000,
}, async () => {
  const source = await temporaryDirectory();
  await writeFile(join(source, 'file'), 'one line\n');
  const url = await freshDatabase();
  await using proxy = await DatabaseProxy.start(url);
  await using direct = TestStore.open(url);
  const store = openStore({ connectionString: proxy.url }, 24, 1000);
  const drivers = await createLocalDrivers({
    directory: await temporaryDirectory(),
    capacity: { cpu: 4, memory: 2 ** 32 },
  });
  const ending = new AbortController();
  const log = { debug() {}, warn() {} };
  const engines = [1, 2].map(() => runEngine({ store, drivers, log }, ending.signal));

  const register = (name: string, inputs: string[], output: string) =>
    direct.plan(
      Object.fromEntries(inputs.map((tag, index) => [`/in${index}`, [tag]])),
      { '/out': [output] },
      {
        image: `host:${name}`,
        entrypoint: ['sh', '-c', 'echo begun; [ -z "$(ls -A /out)" ] || exit 9; cp /in0/file /out/'],
        log: { tags: [] },
        resources: { cpu: '100m', memory: '64Mi' },
      },
    );
  const clean = await register('clean', ['cut:raw'], 'cut:clean');
  const train = await register('train', ['cut:clean', 'cut:params'], 'cut:model');
  const push = async (through: Store, tag: string) => {
    const knitId = await receiveData(through, drivers, packTree(source), async () => {});
    const change = { add: [parseTag(tag)], remove: [], removeKeys: [] };
    await transaction(through.db, (tx) => changeDataTags(tx, knitId, change));
    return knitId;
  };
  for (let nr = 0; nr < 2; nr++) await push(direct.store, 'cut:params');

  proxy.trouble = { cut: 0.02, silent: 0.001 };
  const acknowledged: string[] = [];
  const isEnough = () =>
    Object.entries(enough).every(([what, count]) => proxy.counts[what as keyof typeof enough] >= count);
  while (!isEnough()) {
    await push(store, 'cut:raw').then(
      (knitId) => acknowledged.push(knitId),
      () => {}, // the user is told, and pushes again
    );
    await setTimeout(300);
  }
  proxy.trouble = { cut: 0, silent: 0 };

  const raw = await snapshot(direct.db, (tx) => findData(tx, { tags: [parseTag('cut:raw')] }));
  expect(acknowledged.filter((knitId) => !raw.some((each) => each === knitId))).toEqual([]);
  for (const [planId, count] of [
    [clean, raw.length],
    [train, raw.length * 2],
  ] as const) {
    const runs = () => direct.runsOf(planId);
    await expect
      .poll(async () => (await runs()).map(({ status }) => status), { timeout: 60_000, interval: 200 })
      .toEqual(Array(count).fill('done'));
    const combinations = (await runs()).map(({ inputs }) => inputs.map(({ knitId }) => knitId).join());
    expect(new Set(combinations).size).toBe(count);
  }
  // Uploads that were broken off are given up when their leases end.
  await expect
    .poll(
      async () => (await examine(direct.store, drivers, { fix: false })).flatMap(({ breaches }) => breaches),
      {
        timeout: 90_000,
        interval: 1000,
      },
    )
    .toEqual([]);
  console.log(`${raw.length} Data pushed; cut or silent: ${JSON.stringify(proxy.counts)}`);

  ending.abort();
  await Promise.all(engines);
  await drivers.close();
  await store.close();
});
