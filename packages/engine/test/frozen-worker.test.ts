import { mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { packTree } from '@knitfab/archive';
import { definePlan, type PlanId, parseTag } from '@knitfab/core';
import { createLocalDrivers } from '@knitfab/drivers';
import {
  abortRun,
  changeDataTags,
  findRuns,
  openStore,
  type RunDetail,
  registerPlan,
  runDetails,
  snapshot,
  transaction,
} from '@knitfab/store';
import { expect, onTestFinished, test } from 'vitest';
import { processesWith } from '../../drivers/test/local/driven.ts';
import { freshDatabase } from '../../store/test/database.ts';
import { examine, receiveData, runEngine } from '../src/index.ts';

/** Processes in a frozen control group don't end when they are killed, like those that wait for a disk that does not answer. */
const freezer = '/sys/fs/cgroup/freezer';
const group = join(freezer, `knit-test-${process.pid}`);
const mayFreeze = await mkdir(group).then(
  () => true,
  () => false,
);

const freeze = (state: 'FROZEN' | 'THAWED') => writeFile(join(group, 'freezer.state'), state);

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'knit-frozen-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

test.skipIf(!mayFreeze)(
  `workers that can't be killed hold up no other Run, keep their own from ending, and say why${mayFreeze ? '' : ' (skipped: it takes root and the freezer of control groups, version 1)'}`,
  { timeout: 180_000 },
  async () => {
    onTestFinished(async () => {
      await freeze('THAWED');
      await expect.poll(() => rmdir(group).then(() => true)).toBe(true);
    });
    const source = await temporaryDirectory();
    await writeFile(join(source, 'file'), 'one line\n');
    const store = openStore({ connectionString: await freshDatabase() });
    const drivers = await createLocalDrivers({
      directory: await temporaryDirectory(),
      capacity: { cpu: 8, memory: 2 ** 33 },
      stopGraceSeconds: 0.2,
    });
    const ending = new AbortController();
    const engine = runEngine({ store, drivers, log: { debug() {}, warn() {} } }, ending.signal);
    const register = (name: string, command: string) =>
      transaction(store.db, (tx) =>
        registerPlan(
          tx,
          definePlan({
            image: `host:${name}`,
            entrypoint: ['sh', '-c', command],
            inputs: [{ path: '/in', tags: [parseTag(`frozen:${name}`)] }],
            outputs: [{ path: '/out', tags: [] }],
            resources: { cpu: '100m', memory: '64Mi' },
          }),
        ),
      );
    const push = async (tag: string) => {
      const knitId = await receiveData(store, drivers, packTree(source), async () => {});
      const change = { add: [parseTag(tag)], remove: [], removeKeys: [] };
      await transaction(store.db, (tx) => changeDataTags(tx, knitId, change));
    };
    const runsOf = (planId: PlanId): Promise<RunDetail[]> =>
      snapshot(store.db, async (tx) => runDetails(tx, await findRuns(tx, { planIds: [planId] })));
    const statuses = async (planId: PlanId) => (await runsOf(planId)).map(({ status }) => status);

    // More of them than Runs are ended side by side.
    const count = 6;
    const mark = `knit-frozen-${process.pid}`;
    const stuck = await register('stuck', `while :; do sleep 1; done # ${mark}`);
    const stoppable = await register('stoppable', 'while :; do sleep 1; done');
    const quick = await register('quick', 'true');
    for (let nr = 0; nr < count; nr++) await push('frozen:stuck');
    await push('frozen:stoppable');
    await expect.poll(() => statuses(stuck), { timeout: 30_000 }).toEqual(Array(count).fill('running'));
    await expect.poll(() => statuses(stoppable), { timeout: 30_000 }).toEqual(['running']);
    await expect.poll(() => processesWith(mark).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count);
    for (const pid of processesWith(mark)) await writeFile(join(group, 'cgroup.procs'), String(pid));
    await freeze('FROZEN');

    for (const { runId } of await runsOf(stuck)) await transaction(store.db, (tx) => abortRun(tx, runId));
    await setTimeout(500);
    // Others begin, and end.
    await push('frozen:quick');
    await expect.poll(() => statuses(quick), { timeout: 20_000 }).toEqual(['done']);
    // Others are stopped.
    const [other] = await runsOf(stoppable);
    if (other) await transaction(store.db, (tx) => abortRun(tx, other.runId));
    await expect.poll(() => statuses(stoppable), { timeout: 60_000 }).toEqual(['failed']);
    // Their own Runs have not ended, and say why.
    await expect
      .poll(async () => (await runsOf(stuck)).map(({ status, problem }) => [status, problem]), {
        timeout: 60_000,
      })
      .toEqual(Array(count).fill(['aborting', expect.stringContaining("don't end though they are killed")]));
    expect(processesWith(mark).length).toBeGreaterThanOrEqual(count);
    expect((await examine(store, drivers, { fix: true })).flatMap(({ breaches }) => breaches)).toEqual([]);
    expect(await statuses(stuck)).toEqual(Array(count).fill('aborting'));

    await freeze('THAWED');
    await expect.poll(() => statuses(stuck), { timeout: 60_000 }).toEqual(Array(count).fill('failed'));
    expect(processesWith(mark)).toEqual([]);
    expect(await drivers.workers.list()).toEqual([]);
    for (const { problem, exit } of await runsOf(stuck)) {
      expect([problem, exit?.code]).toEqual([undefined, 253]);
    }

    ending.abort();
    await engine;
    await drivers.close();
    await store.close();
  },
);
