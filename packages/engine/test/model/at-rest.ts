import { type KnitId, type RunStatus, transitions } from '@knitfab/core';
import { invariants, snapshot, strayVolumes } from '@knitfab/store';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { combinationOf, type Effect, type Model } from './model.ts';
import type { System } from './system.ts';
import { systemTags } from './user-actions.ts';

/** Lets all come to rest, and compares what there is with what the model says. */
export async function checkAtRest(model: Model, system: System): Promise<void> {
  await system.settle();
  model.follow(await outputsMade(model, system));
  await checkCombinations(model, system);
  await checkRetries(system);
  await checkDatabase(system);
  await checkOutside(system);
}

/** The Data of the model are those that users pushed; those that Runs have made are added once the Runs are done. */
async function outputsMade(model: Model, { store }: System): Promise<Effect[]> {
  const { rows } = await sql<{ knitId: KnitId; tags: string[]; timestamp: string }>`
    select knit_id as "knitId", array_agg(key || ':' || value) as tags, knit_timestamp(data.stamped_at) as timestamp
    from data join run using (run_id) join data_tag using (knit_id) join tag using (tag_id)
    where status = 'done' and combination is not null group by knit_id`.execute(store.db);
  return rows
    .filter(({ knitId }) => !model.data.has(knitId))
    .map(({ knitId, tags, timestamp }) => ({
      what: 'data',
      knitId,
      order: 0,
      change: () => new Set([...tags, ...systemTags(knitId, timestamp)]),
    }));
}

/** Once all is at rest: a Run that has failed by itself has been tried as often as its budget allows, and no more often. */
async function checkRetries({ store: { db } }: System): Promise<void> {
  const { rows } = await sql`
    select run.run_id, run.status, run.cause, spent.attempts, coalesce((retry ->> spent.cause)::int, 3) as budget
    from run join plan using (plan_id)
    cross join lateral (
      select failed.cause, count(*) as attempts
      from (select coalesce(cause, 'error') as cause from run_attempt as before
            where before.run_id = run.run_id and before.attempt >= budget_from
            union all select coalesce(run.cause, 'error') where run.status = 'failed') as failed
      group by 1) as spent
    where plan.name is null and spent.cause <> 'user'
      and (spent.attempts > coalesce((retry ->> spent.cause)::int, 3) + 1
           or run.status = 'failed' and not stopped and spent.cause = coalesce(run.cause, 'error')
              and spent.attempts <= coalesce((retry ->> spent.cause)::int, 3))`.execute(db);
  expect(rows, 'Runs that were tried too often, or not often enough').toEqual([]);
}

async function checkCombinations(model: Model, system: System): Promise<void> {
  const runs = (await system.runs()).filter((run) => run.combination !== null);
  const combinations = runs.map((run) => combinationOf(run.planId, run.combination ?? []));
  const made = new Set(combinations);
  expect(made.size, 'a combination has two Runs').toBe(combinations.length);
  const missing = model.possible().filter((combination) => !made.has(combination));
  expect(missing, 'combinations without a Run').toEqual([]);
  const extra = runs.filter(
    ({ planId, combination }) =>
      combination?.every((knitId) => model.knows(knitId)) &&
      !model.mayHaveRun(combinationOf(planId, combination)),
  );
  expect(extra, 'Runs of combinations that never fitted').toEqual([]);
  const { rows: gone } = await sql<{ knitId: KnitId }>`
    select knit_id as "knitId" from unnest(${[...model.data.keys()]}::uuid[]) as known (knit_id)
    where not exists (select from data where data.knit_id = known.knit_id)`.execute(system.store.db);
  expect(gone, 'Data that are gone though nobody deleted them').toEqual([]);
}

/** What must hold at any moment, whatever goes on. */
export async function checkDatabase({ store: { db } }: System): Promise<void> {
  for (const { name, check } of invariants) {
    expect(await snapshot(db, (tx) => check(tx, 10)), name).toEqual([]);
  }
  const { rows: changes } = await sql<{ was: RunStatus; now: RunStatus }>`
    select distinct was, now from status_change`.execute(db);
  for (const { was, now } of changes) expect(transitions[was], `${was} → ${now}`).toContain(now);
  const { rows: breaches } = await sql`select distinct problem from breach`.execute(db);
  expect(breaches, 'Runs beyond the limits').toEqual([]);
}

async function checkOutside({ store: { db }, drivers }: System): Promise<void> {
  const { rows } = await sql<{ volume_ref: string }>`
    select volume_ref from data join run using (run_id) where status = 'done'`.execute(db);
  const volumes = await drivers.volumes.list();
  const existing = new Set(volumes);
  const lost = rows.filter(({ volume_ref }) => !existing.has(volume_ref));
  expect(lost, 'lost volumes').toEqual([]);
  expect(await strayVolumes(db, volumes), 'volumes that are left').toEqual([]);
  const { rows: garbage } = await sql`select volume_ref from garbage`.execute(db);
  expect(garbage, 'volumes that are not destroyed').toEqual([]);
  const { rows: spares } = await sql<{ volume_ref: string }>`
    select volume_ref from spare_volume where ready`.execute(db);
  expect(spares, 'spare volumes').toHaveLength(drivers.volumes.spares?.count ?? 0);
  expect(
    spares.filter(({ volume_ref }) => !existing.has(volume_ref)),
    'spare volumes that are lost',
  ).toEqual([]);
  expect(drivers.existing, 'workers that are left').toEqual([]);
}
