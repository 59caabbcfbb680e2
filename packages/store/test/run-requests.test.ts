import {
  Conflict,
  type KnitId,
  NotFound,
  parseRunId,
  type RunId,
  type RunStatus,
  runStatuses,
  transitions,
} from '@knitfab/core';
import { describe, expect, test } from 'vitest';
import {
  abortRun,
  changeStatus,
  dataVolume,
  deleteRun,
  findData,
  retryRun,
  runDetails,
  setPlanActive,
  snapshot,
  stopRun,
  transaction,
} from '../src/index.ts';
import { testStore } from './fixture.ts';

const store = testStore();

/** A Run of a plan of its own, with one output, brought to a status. */
async function runIn(status: RunStatus, kind: string): Promise<RunId> {
  const plan = await store.plan(
    { '/in': [`${kind}:raw`] },
    { '/out': [`${kind}:made`] },
    { active: status !== 'deactivated' },
  );
  await store.push(`${kind}:raw`);
  await store.project();
  const runId = (await store.runsOf(plan))[0]?.runId as RunId;
  const way: Partial<Record<RunStatus, RunStatus[]>> = {
    ready: ['ready'],
    starting: ['ready', 'starting'],
    running: ['ready', 'starting', 'running'],
    completing: ['ready', 'completing'],
    aborting: ['aborting'],
    done: ['ready', 'completing', 'done'],
    failed: ['aborting', 'failed'],
  };
  for (const to of way[status] ?? [])
    await transaction(store.db, (tx) => changeStatus(tx, { runIds: [runId], to }));
  return runId;
}

const detail = async (runId: RunId) => (await snapshot(store.db, (tx) => runDetails(tx, [runId])))[0];

test('a Run changes its status as the table says, and in no other way', async () => {
  for (const from of runStatuses.filter((status) => status !== 'invalidated')) {
    for (const to of runStatuses) {
      const runId = await runIn(from, `table-${from}-${to}`);
      const moved = await transaction(store.db, (tx) => changeStatus(tx, { runIds: [runId], to }));
      expect(moved, `${from} → ${to}`).toEqual(transitions[from].includes(to) ? [runId] : []);
    }
  }
});

describe('requests are refused in other states, and nothing changes', () => {
  const allowed = {
    stop: ['ready', 'starting', 'running'],
    abort: ['deactivated', 'waiting', 'ready', 'starting', 'running'],
    retry: ['done', 'failed'],
    delete: ['deactivated', 'waiting', 'done', 'failed'],
  };
  const requests = { stop: stopRun, abort: abortRun, retry: retryRun, delete: deleteRun };
  test.each(Object.keys(requests) as (keyof typeof requests)[])('%s', async (name) => {
    for (const status of runStatuses.filter((each) => each !== 'invalidated')) {
      const runId = await runIn(status, `request-${name}-${status}`);
      const before = await detail(runId);
      const asked = transaction(store.db, (tx) => requests[name](tx, runId));
      if (allowed[name].includes(status)) await asked;
      else {
        await expect(asked, status).rejects.toThrow(Conflict);
        expect(await detail(runId)).toEqual(before);
      }
    }
  });
});

test('a stopped Run ends as a success with exit 0, an aborted one as a failure with 253', async () => {
  const stopped = await runIn('running', 'r1');
  await transaction(store.db, (tx) => stopRun(tx, stopped));
  expect(await detail(stopped)).toMatchObject({
    status: 'completing',
    exit: { code: 0, message: 'stopped by user' },
  });
  const aborted = await runIn('running', 'r2');
  await transaction(store.db, (tx) => abortRun(tx, aborted));
  expect(await detail(aborted)).toMatchObject({
    status: 'aborting',
    exit: { code: 253, message: 'aborted by user' },
  });
});

test('a retry drops the outputs, gives new ones with the same tags, and forgets the exit', async () => {
  const runId = await runIn('running', 'r3');
  await transaction(store.db, (tx) => abortRun(tx, runId));
  await transaction(store.db, (tx) => changeStatus(tx, { runIds: [runId], to: 'failed' }));
  const old = (await detail(runId))?.outputs[0]?.knitId as KnitId;
  const { volumeRef } = await dataVolume(store.db, old);
  await transaction(store.db, (tx) => retryRun(tx, runId));
  const retried = await detail(runId);
  expect(retried).toMatchObject({
    status: 'waiting',
    attempt: 2,
    outputs: [{ path: '/out', tags: ['r3:made'] }],
  });
  expect(retried?.exit).toBeUndefined();
  expect(retried?.outputs[0]?.knitId).not.toBe(old);
  await expect(dataVolume(store.db, old)).rejects.toThrow(NotFound);
  const garbage = await store.db
    .selectFrom('garbage')
    .selectAll()
    .where('volume_ref', '=', volumeRef)
    .execute();
  expect(garbage).toHaveLength(1);
});

test('a retried Run of an inactive Plan is not started', async () => {
  const runId = await runIn('failed', 'r9');
  const planId = (await detail(runId))?.plan.planId;
  if (planId) await transaction(store.db, (tx) => setPlanActive(tx, planId, false));
  await transaction(store.db, (tx) => retryRun(tx, runId));
  expect((await detail(runId))?.status).toBe('deactivated');
});

test('a Run whose output another Run uses can be neither deleted nor retried, until that one is deleted', async () => {
  const user = await store.plan({ '/in': ['r4:made'] });
  const maker = await runIn('waiting', 'r4');
  await store.finish(maker, 'done');
  await store.project();
  const using = (await store.runsOf(user))[0]?.runId as RunId;
  for (const request of [deleteRun, retryRun]) {
    await expect(transaction(store.db, (tx) => request(tx, maker))).rejects.toThrow(using);
  }
  await transaction(store.db, (tx) => deleteRun(tx, using));
  await transaction(store.db, (tx) => deleteRun(tx, maker));
  await expect(detail(maker)).rejects.toThrow(NotFound);
});

test('deleting an upload takes its Run and its Data away; it is never retried', async () => {
  const knitId = await store.push('r5:x');
  const { rows } = await store.db.executeQuery<{ run_id: RunId }>(
    store.db.selectFrom('data').select('run_id').where('knit_id', '=', knitId).compile(),
  );
  const runId = rows[0]?.run_id as RunId;
  await expect(transaction(store.db, (tx) => retryRun(tx, runId))).rejects.toThrow(Conflict);
  await transaction(store.db, (tx) => deleteRun(tx, runId));
  expect(await findData(store.db, { tags: [{ key: 'r5', value: 'x' }] })).toEqual([]);
  expect(await store.db.selectFrom('run').select('run_id').where('run_id', '=', runId).execute()).toEqual([]);
});

test('a Run that does not exist is not found', async () => {
  const nowhere = parseRunId('00000000-0000-4000-8000-000000000000');
  for (const request of [stopRun, abortRun, retryRun, deleteRun]) {
    await expect(transaction(store.db, (tx) => request(tx, nowhere))).rejects.toThrow(NotFound);
  }
});

test('a Run whose output is being used at this very moment is either deleted or used, never both', async () => {
  for (let round = 0; round < 10; round++) {
    const kind = `r8-${round}`;
    const user = await store.plan({ '/in': [`${kind}:made`] });
    const maker = await runIn('waiting', kind);
    await store.finish(maker, 'done');
    const deleted = transaction(store.db, (tx) => deleteRun(tx, maker)).then(
      () => true,
      () => false,
    );
    await store.project().catch(() => {}); // what the loop does about it is to try again
    await store.project();
    expect((await store.runsOf(user)).length).toBe((await deleted) ? 0 : 1);
  }
});
