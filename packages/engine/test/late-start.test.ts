import type { RunId } from '@knitfab/core';
import {
  changeStatus,
  nameWorkers,
  type RunMaterial,
  retryRun,
  runMaterials,
  transaction,
} from '@knitfab/store';
import { expect, test } from 'vitest';
import { testStore } from '../../store/test/fixture.ts';
import { engineLoops, examine, type WorkerSpec } from '../src/index.ts';
import { workerSpec } from '../src/run-management/worker-spec.ts';
import { ScriptedDrivers } from './model/scripted-drivers.ts';

const store = testStore();

/** What each worker was started with. */
class RecordingDrivers extends ScriptedDrivers {
  readonly started = new Map<string, WorkerSpec>();

  constructor() {
    super();
    const { start } = this.workers;
    this.workers.start = async (spec) => {
      if (!this.existing.includes(spec.name)) this.started.set(spec.name, spec);
      await start(spec);
    };
  }
}

test('a worker of an attempt before, started late, is not taken for that of the next attempt, and is removed', async () => {
  const drivers = new RecordingDrivers();
  const loops = engineLoops({ store: store.store, drivers });
  const step = (name: string) => loops.find((loop) => loop.name === name)?.step();
  const plan = await store.plan({ '/in': ['late:in'] }, { '/out': ['late:out'] });
  await store.push('late:in');
  await store.project();
  const [{ runId } = { runId: '' as RunId }] = await store.runsOf(plan);
  const material = async (): Promise<RunMaterial> =>
    (await runMaterials(store.db, [runId]))[0] as RunMaterial;
  const makeReady = () =>
    transaction(store.db, async (tx) => {
      await nameWorkers(tx, [runId]);
      await changeStatus(tx, { runIds: [runId], to: 'ready' });
    });

  await makeReady();
  const first = await material();
  await transaction(store.db, async (tx) => {
    for (const to of ['aborting', 'failed'] as const) await changeStatus(tx, { runIds: [runId], to });
    await retryRun(tx, runId);
  });
  await makeReady();
  // The engine that was starting it had lost its database meanwhile.
  await drivers.workers.start(workerSpec(first));
  await step('run-management (start)');

  const second = await material();
  expect(second.worker).not.toBe(first.worker);
  expect(drivers.started.get(second.worker ?? '')?.outputs.map(({ volume }) => volume)).toEqual(
    second.outputs.map(({ volume }) => volume),
  );
  expect(
    (await examine(store.store, drivers, { fix: false })).flatMap(({ breaches }) => breaches),
  ).toContainEqual({
    subject: first.worker,
    problem: 'no Run has this worker any more',
  });
  await step('housekeeping');
  expect(drivers.existing).toEqual([second.worker]);
});
