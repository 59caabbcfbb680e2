import { Readable } from 'node:stream';
import { dataVolume, strayVolumes } from '@knitfab/store';
import { sql } from 'kysely';
import { beforeEach, expect, test } from 'vitest';
import { testStore } from '../../store/test/fixture.ts';
import { engineLoops, examine, receiveData, type SpareVolumes } from '../src/index.ts';
import { ScriptedDrivers } from './model/scripted-drivers.ts';

const t = testStore();

// Each test has volumes of its own.
beforeEach(async () => {
  await sql`delete from spare_volume`.execute(t.db);
});

/** An engine whose loops are stepped by hand, and what has become of its volumes. */
function engine(spares: Partial<SpareVolumes> = {}) {
  const drivers = new ScriptedDrivers();
  const { volumes } = drivers;
  Object.assign(volumes, { spares: { ...volumes.spares, count: 3, ...spares } });
  const made: string[] = [];
  const create = volumes.create;
  volumes.create = async (ref) => {
    made.push(ref);
    await create(ref);
  };
  const loops = engineLoops({ store: t.store, drivers });
  const step = async (name: string): Promise<void> => {
    while ((await loops.find((loop) => loop.name === name)?.step())?.more);
  };
  const fill = () => step('initialize (spare volumes)');
  const collect = () => step('garbage-collection');
  return { drivers, made, step, fill, collect };
}

async function spareVolumes(): Promise<{ ref: string; ready: boolean; problem: string | null }[]> {
  const { rows } = await sql<{ ref: string; ready: boolean; problem: string | null }>`
    select volume_ref as ref, ready, problem from spare_volume order by volume_ref`.execute(t.db);
  return rows;
}

const ready = async () => (await spareVolumes()).filter((spare) => spare.ready).map(({ ref }) => ref);

const outputVolumes = async (planId: string): Promise<string[]> => {
  const { rows } = await sql<{ ref: string }>`
    select volume_ref as ref from data join run using (run_id) where plan_id = ${planId} order by knit_id`.execute(
    t.db,
  );
  return rows.map(({ ref }) => ref);
};

test('outputs get volumes that are there already, others are made, and as many are ready again', async () => {
  const { drivers, made, step, fill } = engine();
  await fill();
  const before = await ready();
  expect(before).toHaveLength(3);
  expect(await drivers.volumes.list()).toEqual(expect.arrayContaining(before));
  made.length = 0;

  const planId = await t.plan({ '/in': ['spare:1'] }, { '/a': [], '/b': [] }, { log: { tags: [] } });
  await t.push('spare:1');
  await t.push('spare:1');
  await t.project();
  await step('initialize');
  const volumes = await outputVolumes(planId);
  expect(volumes).toHaveLength(6);
  expect(volumes).toEqual(expect.arrayContaining([...before, ...made]));
  expect(made).toHaveLength(3);
  expect((await t.runsOf(planId)).map(({ status }) => status)).toEqual(['ready', 'ready']);

  await fill();
  expect(await ready()).toHaveLength(3);
  expect(await strayVolumes(t.db, await drivers.volumes.list())).toEqual([]);
});

test('a spare volume that somebody has removed is made', async () => {
  const { drivers, made, step, fill } = engine();
  await fill();
  for (const ref of await ready()) await drivers.volumes.destroy(ref);
  made.length = 0;
  const planId = await t.plan({ '/in': ['spare:2'] }, { '/out': [] });
  await t.push('spare:2');
  await t.project();
  await step('initialize');
  expect(made).toEqual(await outputVolumes(planId));
});

test('a volume that a try which failed has made is given up for a spare one', async () => {
  const { drivers, step, fill, collect } = engine();
  const planId = await t.plan({ '/in': ['spare:4'] }, { '/a': [], '/b': [] });
  await t.push('spare:4');
  await t.project();
  drivers.fail('create', 1);
  await step('initialize');
  expect(await t.runsOf(planId)).toMatchObject([{ status: 'waiting' }]);
  await fill();
  await sql`update run set next_attempt_at = '-infinity' where plan_id = ${planId}`.execute(t.db);
  await step('initialize');
  expect(await t.runsOf(planId)).toMatchObject([{ status: 'ready' }]);
  await sql`update garbage set next_attempt_at = '-infinity'`.execute(t.db);
  await collect();
  expect(await strayVolumes(t.db, await drivers.volumes.list())).toEqual([]);
});

test('an upload gets one, and gives it to garbage when it breaks', async () => {
  const { drivers, made, fill, collect } = engine();
  await fill();
  const before = await ready();
  made.length = 0;
  const push = () => receiveData(t.store, drivers, Readable.from([]), async () => {});
  const { volumeRef } = await dataVolume(t.db, await push());
  expect(before).toContain(volumeRef);
  drivers.fail('write', 1);
  await expect(push()).rejects.toThrow('an injected failure of write');
  await collect();
  expect(made).toEqual([]);
  expect(await ready()).toHaveLength(1);
  expect(await drivers.volumes.list()).toHaveLength(2);
});

test('of several that ask at once, nobody gets what another has', async () => {
  const { drivers, fill } = engine({ count: 20 });
  await fill();
  const knitIds = await Promise.all(
    Array.from({ length: 30 }, () => receiveData(t.store, drivers, Readable.from([]), async () => {})),
  );
  const refs = await Promise.all(knitIds.map(async (knitId) => (await dataVolume(t.db, knitId)).volumeRef));
  expect(new Set(refs).size).toBe(30);
  expect(await ready()).toEqual([]);
});

test('one that can not be made says why, and keeps nobody from anything', async () => {
  let isFull = true;
  const { drivers, step, fill } = engine({
    make: async (ref) => {
      if (isFull) throw new Error('no room');
      await drivers.volumes.create(ref);
    },
  });
  await fill();
  expect(await spareVolumes()).toEqual(
    Array(3).fill({ ref: expect.any(String), ready: false, problem: 'no room' }),
  );
  const planId = await t.plan({ '/in': ['spare:3'] }, { '/out': [] });
  await t.push('spare:3');
  await t.project();
  await step('initialize');
  expect((await t.runsOf(planId))[0]?.status).toBe('ready');
  isFull = false;
  await sql`update spare_volume set next_attempt_at = '-infinity'`.execute(t.db);
  await fill();
  expect(await ready()).toHaveLength(3);
});

test('those that another configuration wants no more are destroyed', async () => {
  await engine({ kind: 'before' }).fill();
  const before = await ready();
  const changed = engine({ kind: 'after', count: 1 });
  for (const ref of before) await changed.drivers.volumes.create(ref);
  await changed.fill();
  await changed.collect();
  expect(await ready()).toHaveLength(1);
  expect(await changed.drivers.volumes.list()).toEqual(await ready());
  const without = engine({ count: 0 });
  for (const ref of await ready()) await without.drivers.volumes.create(ref);
  await without.fill();
  await without.collect();
  expect(await without.drivers.volumes.list()).toEqual([]);
  expect(await spareVolumes()).toEqual([]);
});

test('several copies of the loop make no more than are wanted', async () => {
  const copies = Array.from({ length: 4 }, () => engine({ kind: 'copies', count: 5 }));
  await Promise.all(copies.map(({ fill }) => fill()));
  const refs = await ready();
  expect(refs).toHaveLength(5);
  expect(copies.flatMap(({ made }) => made).sort()).toEqual(refs);
});

test('a volume that is a Data’s is never a spare one: the doctor takes it from them', async () => {
  const { drivers } = engine();
  const knitId = await receiveData(t.store, drivers, Readable.from([]), async () => {});
  const { volumeRef } = await dataVolume(t.db, knitId);
  await sql`insert into spare_volume (volume_ref, kind, ready) values (${volumeRef}, 'wrong', true)`.execute(
    t.db,
  );
  const findings = await examine(t.store, drivers, { fix: true });
  const found = findings.find(({ invariant }) => invariant === 'spare volumes')?.breaches;
  expect(found).toEqual([expect.objectContaining({ subject: volumeRef })]);
  expect((await spareVolumes()).map(({ ref }) => ref)).not.toContain(volumeRef);
});
