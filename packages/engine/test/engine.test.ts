import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packTree } from '@knitfab/archive';
import {
  definePlan,
  Invalid,
  type KnitId,
  type PlanId,
  type PlanInput,
  parseTag,
  type RunId,
} from '@knitfab/core';
import { createLocalDrivers } from '@knitfab/drivers';
import {
  abortRun,
  changeDataTags,
  findRuns,
  openStore,
  pauseSystem,
  type RunDetail,
  registerPlan,
  resumeSystem,
  runDetails,
  type Store,
  snapshot,
  stopRun,
  transaction,
} from '@knitfab/store';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { freshDatabase } from '../../store/test/database.ts';
import { type Drivers, engineLoops, examine, receiveData, runEngine, sendData } from '../src/index.ts';

let store: Store;
let directory: string;
let source: string;
let drivers: Awaited<ReturnType<typeof createLocalDrivers>>;
let engines: { stop: () => Promise<void> }[] = [];

beforeAll(async () => {
  store = openStore({ connectionString: await freshDatabase() });
  source = await mkdtemp(join(tmpdir(), 'knit-source-'));
  await writeFile(join(source, 'file'), 'one line\n');
});
afterAll(async () => {
  await store.close();
  await rm(source, { recursive: true });
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'knit-engine-'));
  drivers = await createLocalDrivers({ directory, capacity: { cpu: 4, memory: 2 ** 32 } });
});
afterEach(async () => {
  for (const engine of engines) await engine.stop();
  engines = [];
  for (const worker of await drivers.workers.list()) await drivers.workers.remove(worker);
  await drivers.close();
  await rm(directory, { recursive: true });
});

const silent = { debug() {}, warn() {} };

function startEngine(given: Drivers = drivers, options: { startDeadlineMilliseconds?: number } = {}): void {
  const ending = new AbortController();
  const running = runEngine({ store, drivers: given, log: silent, ...options }, ending.signal);
  engines.push({
    async stop() {
      ending.abort();
      await running;
    },
  });
}

/** The local drivers with some of their parts doing something else: faults to inject. */
const broken = (faults: {
  volumes?: Partial<Drivers['volumes']>;
  workers?: Partial<Drivers['workers']>;
}): Drivers => ({
  transfers: drivers.transfers,
  volumes: withFaults(drivers.volumes, faults.volumes),
  workers: withFaults(drivers.workers, faults.workers),
});

function withFaults<Part extends object>(part: Part, faults: Partial<Part> = {}): Part {
  return new Proxy(part, {
    get(target, name) {
      const value = Reflect.get(faults, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function push(...tags: string[]): Promise<KnitId> {
  const knitId = await receiveData(store, drivers, packTree(source), async () => {});
  const change = { add: tags.map(parseTag), remove: [], removeKeys: [] };
  await transaction(store.db, (tx) => changeDataTags(tx, knitId, change));
  return knitId;
}

function register(name: string, command: string, rest: Partial<PlanInput> = {}): Promise<PlanId> {
  const plan = definePlan({
    image: 'host:test',
    entrypoint: ['sh', '-c', command],
    inputs: [{ path: '/in', tags: [parseTag(`${name}:in`)] }],
    outputs: [{ path: '/out', tags: [parseTag(`${name}:out`)] }],
    log: { tags: [] },
    resources: { cpu: '100m', memory: '64Mi' },
    ...rest,
  });
  return transaction(store.db, (tx) => registerPlan(tx, plan));
}

const runsOf = (planId: PlanId): Promise<RunDetail[]> =>
  snapshot(store.db, async (tx) => runDetails(tx, await findRuns(tx, { planIds: [planId] })));

/** Waits until the Plan has that many Runs, all in the status. */
async function until(planId: PlanId, status: string, count = 1): Promise<RunDetail[]> {
  for (const deadline = Date.now() + 25_000; ; ) {
    const runs = await runsOf(planId);
    if (runs.length === count && runs.every((run) => run.status === status)) return runs;
    if (Date.now() > deadline) throw new Error(`not ${count} × ${status}: ${JSON.stringify(runs)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('three engines at once run each combination of a pipeline once, to its end', async () => {
  for (let copies = 0; copies < 3; copies++) startEngine();
  const careful = '[ -z "$(ls -A /out)" ] || exit 9; echo begun; cp /in/file /out/';
  const first = await register('pipe1', careful);
  const second = await register('pipe2', careful, {
    inputs: [
      { path: '/in', tags: [parseTag('pipe1:out')] },
      { path: '/params', tags: [parseTag('pipe:params')] },
    ],
  });
  for (const tag of ['pipe1:in', 'pipe:params', 'pipe1:in', 'pipe:params', 'pipe1:in']) await push(tag);
  await until(first, 'done', 3);
  const runs = await until(second, 'done', 6);
  expect(new Set(runs.map((run) => run.inputs.map((input) => input.knitId).join())).size).toBe(6);
  for (const run of runs) {
    const log = await drivers.workers.logs(
      { name: 'gone', log: { volume: `data-${run.log?.knitId}` } },
      { follow: false },
    );
    expect(Buffer.concat(await log.toArray()).toString()).toBe('begun\n');
  }
});

test('a volume that cannot be made holds up its own Run only, which says why and is tried again', async () => {
  let cursed: string | undefined;
  let healed = false;
  startEngine(
    broken({
      volumes: {
        async create(ref) {
          cursed ??= ref;
          if (ref === cursed && !healed) throw new Error('the disk is on fire');
          await drivers.volumes.create(ref);
        },
      },
    }),
  );
  const plan = await register('fire', 'true', { log: null });
  await push('fire:in');
  await expect.poll(async () => (await runsOf(plan))[0]?.problem).toBe('the disk is on fire');
  const other = await register('fine', 'true');
  await push('fine:in');
  await until(other, 'done');
  healed = true;
  await until(plan, 'done');
});

test('a worker that can never start fails its Run with the reason; one that cannot now is tried again', async () => {
  let tries = 0;
  startEngine(
    broken({
      workers: {
        async start(spec) {
          if (spec.args?.[0] === 'never') throw new Invalid('this machine has no such thing');
          if (tries++ === 0) throw new Error('not now');
          await drivers.workers.start(spec);
        },
      },
    }),
  );
  const never = await register('never', 'true', { args: ['never'] });
  const later = await register('later', 'true');
  await push('never:in');
  await push('later:in');
  const [failed] = await until(never, 'failed');
  expect(failed?.exit).toEqual({ code: 255, message: 'this machine has no such thing' });
  await until(later, 'done');
});

test('a worker that vanishes is started again while the budget lasts, and then fails its Run with 254', async () => {
  const plan = await register('vanish', 'sleep 1000', { retry: { lost: 1, backoff: '10ms' } });
  startEngine(broken({ workers: { inspect: async () => ({ phase: 'missing' }) } }));
  await push('vanish:in');
  const [run] = await until(plan, 'failed');
  const exit = { code: 254, message: 'worker lost' };
  expect(run).toMatchObject({ exit, cause: 'lost', attempt: 2 });
  expect(run?.attempts).toMatchObject([{ attempt: 1, exit, cause: 'lost' }]);
  expect(await drivers.workers.list()).toEqual([]);
});

test('an error of the code is tried again only as often as the Plan says, with empty outputs and a new log', async () => {
  startEngine();
  const script = '[ -z "$(ls -A /out)" ] || exit 9; touch /out/left; echo once; exit 3';
  const never = await register('once', script);
  const again = await register('again', script, { retry: { error: 2, backoff: '10ms' } });
  for (const tag of ['once:in', 'again:in']) await push(tag);
  const [failed] = await until(never, 'failed');
  expect(failed).toMatchObject({ cause: 'error', exit: { code: 3 } });
  expect(failed?.attempt).toBeUndefined();
  const [run] = await until(again, 'failed');
  expect(run?.attempt).toBe(3);
  expect(run?.attempts?.map(({ exit, cause }) => [exit?.code, cause])).toEqual([
    [3, 'error'],
    [3, 'error'],
  ]);
  const log = await drivers.workers.logs(
    { name: 'gone', log: { volume: `data-${run?.log?.knitId}` } },
    { follow: false },
  );
  expect(Buffer.concat(await log.toArray()).toString()).toBe('once\n');
});

test('a worker that does not come to run in time is given up with what it waited for', async () => {
  const plan = await register('pending', 'true', { retry: { lost: 0 } });
  const pending = { phase: 'pending', reason: 'no node has the label zone=moon' } as const;
  startEngine(broken({ workers: { inspect: async () => pending } }), { startDeadlineMilliseconds: 300 });
  await push('pending:in');
  const [run] = await until(plan, 'failed');
  expect(run).toMatchObject({ cause: 'lost', exit: { code: 255 } });
  expect(run?.exit?.message).toContain(pending.reason);
});

test('a paused system starts nothing, says so, and goes on when it is resumed', async () => {
  startEngine();
  const plan = await register('paused', 'true');
  await transaction(store.db, (tx) => pauseSystem(tx, 'backup'));
  try {
    await push('paused:in');
    const [run] = await until(plan, 'waiting');
    expect(run?.problem).toMatch(/^the system is paused since .*: backup \(`knit resume` goes on\)$/);
  } finally {
    await transaction(store.db, resumeSystem);
  }
  await until(plan, 'done');
});

test('while the system is paused, the loop that starts Runs sleeps, though some are ready', async () => {
  const loops = engineLoops({ store, drivers });
  const step = async (...names: string[]) => {
    for (const loop of loops.filter(({ name }) => names.includes(name))) while ((await loop.step()).more);
  };
  const plan = await register('ready', 'true');
  await push('ready:in');
  await step('projection', 'initialize');
  await until(plan, 'ready');
  await transaction(store.db, (tx) => pauseSystem(tx, null));
  try {
    const start = loops.find(({ name }) => name === 'run-management (start)');
    expect(await start?.step()).toEqual({ more: false });
  } finally {
    await transaction(store.db, resumeSystem);
  }
  startEngine();
  await until(plan, 'done');
});

test('the doctor mends all that it can, also what it does not name', async () => {
  const knitIds = [await push('doctor:in'), await push('doctor:in'), await push('doctor:in')];
  const refs = await store.db
    .selectFrom('data')
    .select('volume_ref')
    .where('knit_id', 'in', knitIds)
    .execute();
  await store.db.insertInto('garbage').values(refs).execute();
  for (let count = 0; count < 3; count++) await drivers.volumes.create(`data-${randomUUID()}`);
  const findings = async (fix: boolean) =>
    (await examine(store, drivers, { fix, most: 1 }))
      .filter(({ invariant }) => ['garbage', 'stray volumes'].includes(invariant))
      .map(({ breaches, more, mended }) => [breaches.length, more, mended]);
  expect(await findings(true)).toEqual([
    [1, true, 'yes'],
    [1, true, 'yes'],
  ]);
  expect((await findings(false)).map(([breaches]) => breaches)).toEqual([0, 0]);
});

test('no more Runs of a Plan are under way at once than it allows', async () => {
  startEngine();
  startEngine();
  const plan = await register('limited', 'until [ -e /in/absent ]; do sleep 1; done', { max_running: 2 });
  for (let count = 0; count < 5; count++) await push('limited:in');
  let runs: RunDetail[] = [];
  while (runs.filter((run) => run.status === 'running').length < 2) runs = await runsOf(plan);
  expect(runs.filter((run) => run.status === 'waiting').length).toBeGreaterThanOrEqual(runs.length - 2);
  const [first] = runs.filter((run) => run.status === 'running');
  await transaction(store.db, (tx) => abortRun(tx, first?.runId as RunId));
  while (runs.length < 5 || !runs.some((run) => run.status === 'failed')) runs = await runsOf(plan);
  const underWay = ['ready', 'starting', 'running', 'completing', 'aborting'];
  expect(runs.filter((run) => underWay.includes(run.status)).length).toBeLessThanOrEqual(2);
  const reason = 'max_running of its Plan is 2, and so many of its Runs are under way';
  while (!runs.some((run) => run.status === 'waiting' && run.problem === reason)) runs = await runsOf(plan);
});

test('Runs wait for room, oldest first, and say so', async () => {
  startEngine();
  const plan = await register('room', 'until [ -e /in/absent ]; do sleep 1; done', {
    resources: { cpu: '3', memory: '64Mi' },
  });
  await push('room:in');
  await push('room:in');
  await expect
    .poll(async () => (await runsOf(plan)).map((run) => run.status).sort())
    .toEqual(['ready', 'running']);
  const waiting = (await runsOf(plan)).find((run) => run.status === 'ready');
  expect(waiting?.problem).toContain('waits for CPU or memory');
  const running = (await runsOf(plan)).find((run) => run.status === 'running');
  if (running) await transaction(store.db, (tx) => abortRun(tx, running.runId));
  await expect
    .poll(async () => (await runsOf(plan)).map((run) => run.status).sort(), { timeout: 20_000 })
    .toEqual(['failed', 'running']);
});

test('a Run that asks for more than the machine has fails with the reason, and holds up nobody', async () => {
  const greedy = await register('greedy', 'true', { resources: { cpu: '1000' } });
  const modest = await register('modest', 'true');
  await push('greedy:in');
  await push('modest:in');
  startEngine();
  const [run] = await until(greedy, 'failed');
  expect(run?.exit).toEqual({ code: 255, message: 'it asks for 1000 CPUs, and this machine has 4' });
  await until(modest, 'done');
});

test('a stranger among the workers is left alone and disturbs nobody', async () => {
  await mkdir(join(directory, 'workers', 'lost+found'));
  startEngine();
  const plan = await register('strange', 'true');
  await push('strange:in');
  await until(plan, 'done');
  await rm(join(directory, 'workers', 'lost+found'), { recursive: true });
});

test('an upload that is aborted ends as refused, and leaves nothing', async () => {
  startEngine();
  async function* slowly() {
    const whole = Buffer.concat(await packTree(source).toArray());
    yield whole.subarray(0, 512);
    const { run_id: runId } = await store.db
      .selectFrom('run')
      .select('run_id')
      .where('status', '=', 'running')
      .where('lease_until', 'is not', null)
      .executeTakeFirstOrThrow();
    await transaction(store.db, (tx) => abortRun(tx, runId));
    yield whole.subarray(512);
  }
  await expect(receiveData(store, drivers, slowly(), async () => {})).rejects.toThrow(
    'aborted while it was under way',
  );
  await expect.poll(() => readdir(join(directory, 'volumes'))).toEqual([]);
});

test('a Run that takes its time to stop does not hold up others', async () => {
  startEngine();
  const stubborn = await register('stubborn', 'trap "" TERM; echo up; while :; do sleep 1; done');
  const quick = await register('quick', 'true');
  await push('stubborn:in');
  const [run] = await until(stubborn, 'running');
  await expect
    .poll(async () =>
      Buffer.concat(
        await (
          await drivers.workers.logs(
            { name: '', log: { volume: `data-${run?.log?.knitId}` } },
            { follow: false },
          )
        ).toArray(),
      ).toString(),
    )
    .toBe('up\n');
  if (run) await transaction(store.db, (tx) => stopRun(tx, run.runId));
  await push('quick:in');
  await until(quick, 'done');
  expect((await runsOf(stubborn))[0]?.status).toBe('completing');
  await until(stubborn, 'done');
});

test('an upload that breaks leaves no Data, no Run and no volume', async () => {
  startEngine();
  const before = await store.db.selectFrom('run').select('run_id').execute();
  const refused = receiveData(store, drivers, packTree(source), async () => {
    throw new Invalid('the checksum is wrong');
  });
  await expect(refused).rejects.toThrow('the checksum is wrong');
  expect(await store.db.selectFrom('run').select('run_id').execute()).toHaveLength(before.length);
  await expect.poll(() => readdir(join(directory, 'volumes'))).toEqual([]);
});

test('a Data comes back as it was pushed, but not before its Run is finished', async () => {
  const plan = await register('early', 'true', { active: false });
  const knitId = await push('early:in');
  expect(Buffer.concat(await (await sendData(store, drivers, knitId)).toArray()).toString()).toContain(
    'one line\n',
  );
  startEngine();
  const [run] = await until(plan, 'deactivated');
  await expect(sendData(store, drivers, run?.outputs[0]?.knitId as KnitId)).rejects.toThrow(
    'is not complete',
  );
});

test('the doctor destroys a few stray volumes, and none where most are strays: the database may be another one', async () => {
  const stray = async () => {
    const findings = await examine(store, drivers, { fix: true });
    return findings.find(({ invariant }) => invariant === 'stray volumes');
  };
  for (let index = 0; index < 10; index++) await drivers.volumes.create(`data-few-${index}`);
  expect(await stray()).toMatchObject({ mended: 'yes', breaches: { length: 10 } });
  startEngine();
  await expect.poll(() => drivers.volumes.list()).toEqual([]);
  for (let index = 0; index < 11; index++) await drivers.volumes.create(`data-many-${index}`);
  expect(await stray()).toMatchObject({ mended: 'no', breaches: { length: 11 } });
  expect(await drivers.volumes.list()).toHaveLength(11);
});

test('a worker that cannot be looked at holds up its own Run only, which says why', async () => {
  let hidden: string | undefined;
  startEngine(
    broken({
      workers: {
        async inspect(worker) {
          if (worker === hidden) throw new Error('its directory can not be read');
          return drivers.workers.inspect(worker);
        },
      },
    }),
  );
  const plan = await register('hidden', 'sleep 0.5');
  await push('hidden:in');
  const [run] = await until(plan, 'running');
  hidden = `worker-run-${run?.runId}`;
  const others = await register('seen', 'true');
  for (let nr = 0; nr < 3; nr++) await push('seen:in');
  await until(others, 'done', 3);
  await expect
    .poll(async () => (await runsOf(plan))[0]?.problem, { timeout: 10_000 })
    .toContain('its directory can not be read');
  hidden = undefined;
  await until(plan, 'done');
});

test('Runs that cannot be started hold up no others, though they are more than are prepared ahead', async () => {
  startEngine(
    broken({
      workers: {
        async start(spec) {
          if (spec.image === 'host:stuck') throw new Error('there is no volume');
          await drivers.workers.start(spec);
        },
      },
    }),
  );
  const side = (path: string) => ({ path, tags: [parseTag('stuck:in')] });
  const stuck = await register('stuck', 'true', {
    image: 'host:stuck',
    inputs: [side('/left'), side('/right')],
  });
  for (let nr = 0; nr < 11; nr++) await push('stuck:in');
  await expect
    .poll(
      async () => (await runsOf(stuck)).filter(({ problem }) => problem === 'there is no volume').length,
      {
        timeout: 10_000,
      },
    )
    .toBeGreaterThan(99);
  const other = await register('unstuck', 'true');
  await push('unstuck:in');
  await until(other, 'done');
});

test('a Run whose end takes long does not hold up the ends of others', async () => {
  const slow = Promise.withResolvers<void>();
  let slowVolume: string | undefined;
  startEngine(
    broken({
      volumes: {
        async sync(ref) {
          if (ref === slowVolume) await slow.promise;
          await drivers.volumes.sync(ref);
        },
      },
    }),
  );
  const plan = await register('sync', 'sleep 0.3', { log: null });
  await push('sync:in');
  const [run] = await until(plan, 'running');
  const { volume_ref } = await store.db
    .selectFrom('data')
    .select('volume_ref')
    .where('knit_id', '=', run?.outputs[0]?.knitId as KnitId)
    .executeTakeFirstOrThrow();
  slowVolume = volume_ref;
  await until(plan, 'completing');
  const other = await register('unheld', 'true');
  await push('unheld:in');
  await until(other, 'done');
  expect((await runsOf(plan))[0]?.status).toBe('completing');
  slow.resolve();
  await until(plan, 'done');
});

test('a worker that cannot be removed does not keep housekeeping from the rest', async () => {
  const given = broken({
    workers: {
      async list() {
        return ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'].map(
          (runId) => `worker-run-${runId}`,
        );
      },
      async remove(worker) {
        removed.push(worker);
        if (worker.endsWith('1')) throw new Error('it does not end');
      },
    },
  });
  const removed: string[] = [];
  const housekeeping = engineLoops({ store, drivers: given }).find(({ name }) => name === 'housekeeping');
  expect(await housekeeping?.step()).toMatchObject({ done: 1, failed: 1 });
  expect(removed).toHaveLength(2);
});
