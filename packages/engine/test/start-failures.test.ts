import { changeSystemLimits, transaction } from '@knitfab/store';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { testStore } from '../../store/test/fixture.ts';
import { engineLoops } from '../src/index.ts';
import { WorkerObserver } from '../src/run-management/observe-workers.ts';
import { ScriptedDrivers } from './model/scripted-drivers.ts';

const t = testStore();
const image = 'host:stuck';
const problem = 'an injected failure of start';

/** An engine whose loops are stepped by hand. */
function engine() {
  const drivers = new ScriptedDrivers();
  drivers.brokenImages.add(image);
  const loops = engineLoops({ store: t.store, drivers });
  const observers = loops.filter((loop) => loop instanceof WorkerObserver);
  drivers.tellOnly(observers.map((observer) => (name) => observer.noteChange(name)));
  const step = async (...names: string[]): Promise<void> => {
    for (const name of names) while ((await loops.find((loop) => loop.name === name)?.step())?.more);
  };
  return { drivers, step };
}

/** Pauses double from 1 s up to 5 minutes; they are passed over instead of being waited for. @returns how long they were, in seconds */
async function passPauses(): Promise<number> {
  const { rows } = await sql<{ pause: number }>`
    update run set next_attempt_at = clock_timestamp() - interval '1 second' where next_attempt_at > clock_timestamp()
    returning extract(epoch from old.next_attempt_at - clock_timestamp())::float8 as pause`.execute(t.db);
  return rows.reduce((sum, { pause }) => sum + pause, 0);
}

test('a Run whose worker could not be started for an hour has failed, and says why', async () => {
  const { step } = engine();
  const planId = await t.plan({ '/in': ['hour:1'] }, {}, { image, retry: { lost: 0 } });
  await t.push('hour:1');
  await t.project();
  let seconds = 0;
  for (let tries = 0; tries < 100; tries++) {
    await step('initialize', 'run-management (start)');
    const [run] = await t.runsOf(planId);
    if (run?.status !== 'ready') break;
    expect(run.problem).toBe(problem);
    seconds += await passPauses();
  }
  expect(seconds).toBeGreaterThan(3000);
  expect(seconds).toBeLessThan(4200);
  await step('finishing');
  expect((await t.runsOf(planId))[0]).toMatchObject({
    status: 'failed',
    cause: 'lost',
    exit: { code: 255, message: problem },
  });
});

test.for([
  ['of its Plan', { max_running: 1 }, null],
  ['of the system', {}, 1],
] as const)(
  'a Run whose worker can not be started leaves its place to others at the limit %s',
  async ([, plan, maxRunning]) => {
    const { drivers, step } = engine();
    const [stuck, started] = [new Set<string>(), new Set<string>()];
    const { start } = drivers.workers;
    drivers.workers.start = async (spec) => {
      if (stuck.has(spec.name)) throw new Error(problem);
      started.add(spec.name);
      await start(spec);
    };
    await transaction(t.db, (tx) => changeSystemLimits(tx, { maxRunning }));
    const tag = `limit:${maxRunning}`;
    const planId = await t.plan({ '/in': [tag] }, {}, plan);
    for (let count = 0; count < 4; count++) await t.push(tag);
    await t.project();
    const [oldest] = (await t.runsOf(planId)).map(({ runId }) => runId).toSorted();
    stuck.add(`worker-run-${oldest}`);
    const round = async () => {
      await step('initialize', 'run-management (start)');
      expect(drivers.existing.length).toBeLessThanOrEqual(1);
      for (const name of drivers.existing) drivers.end(name, 0);
      await step('run-management (observe)', 'finishing');
    };
    const rounds = async (count: number) => {
      for (let nr = 0; nr < count; nr++) await round();
    };
    const statuses = async () => (await t.runsOf(planId)).map(({ status }) => status).toSorted();

    // It is tried a few times, and then, after ever longer pauses, between the others.
    for (let tries = 0; tries < 3; tries++) {
      await round();
      expect(await statuses()).toEqual(['ready', 'waiting', 'waiting', 'waiting']);
      if (tries < 2) await passPauses();
    }
    await rounds(2);
    await passPauses();
    await rounds(3);
    expect(await statuses()).toEqual(['done', 'done', 'done', 'ready']);
    stuck.clear();
    await passPauses();
    await rounds(1);
    expect(await statuses()).toEqual(['done', 'done', 'done', 'done']);
    expect(started.size).toBe(4);
  },
);
