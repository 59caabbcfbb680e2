import { definePlan, type PlanId, parseTag } from '@knitfab/core';
import {
  beginUpload,
  changeDataTags,
  completeUpload,
  findRuns,
  openStore,
  type RunDetail,
  registerPlan,
  runDetails,
  type Store,
  snapshot,
  transaction,
} from '@knitfab/store';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../../store/test/database.ts';
import { engineLoops } from '../src/index.ts';
import { ScriptedDrivers } from './model/scripted-drivers.ts';

let store: Store;
beforeAll(async () => {
  store = openStore({ connectionString: await freshDatabase() });
});
afterAll(() => store.close());

const runOf = async (planId: PlanId): Promise<RunDetail | undefined> => {
  const [run] = await snapshot(store.db, async (tx) =>
    runDetails(tx, await findRuns(tx, { planIds: [planId] })),
  );
  return run;
};

test('a Run whose worker could not be started for an hour has failed, and says why', async () => {
  const drivers = new ScriptedDrivers();
  drivers.brokenImages.add('host:stuck');
  const loops = engineLoops({ store, drivers });
  const step = async (name: string): Promise<void> => {
    while ((await loops.find((loop) => loop.name === name)?.step())?.more);
  };
  const planId = await transaction(store.db, (tx) =>
    registerPlan(
      tx,
      definePlan({
        image: 'host:stuck',
        inputs: [{ path: '/in', tags: [parseTag('a:1')] }],
        retry: { lost: 0 },
      }),
    ),
  );
  const upload = await transaction(store.db, beginUpload);
  await transaction(store.db, (tx) => completeUpload(tx, upload));
  const change = { add: [parseTag('a:1')], remove: [], removeKeys: [] };
  await transaction(store.db, (tx) => changeDataTags(tx, upload.knitId, change));
  await step('projection');
  await step('initialize');
  const problem = 'an injected failure of start';
  // Pauses double from 1 s up to 5 minutes; they are added up here instead of being waited for.
  let seconds = 0;
  for (let tries = 0; tries < 100; tries++) {
    await step('run-management (start)');
    const run = await runOf(planId);
    if (run?.status !== 'ready') break;
    expect(run.problem).toBe(problem);
    const { rows } = await sql<{ pause: number }>`
      update run set next_attempt_at = '-infinity' where status = 'ready'
      returning extract(epoch from old.next_attempt_at - clock_timestamp())::float8 as pause`.execute(
      store.db,
    );
    seconds += rows[0]?.pause ?? 0;
  }
  expect(seconds).toBeGreaterThan(3000);
  expect(seconds).toBeLessThan(4200);
  await step('finishing');
  expect(await runOf(planId)).toMatchObject({
    status: 'failed',
    cause: 'lost',
    exit: { code: 255, message: problem },
  });
});
