import type { RunId } from '@knitfab/core';
import { sql } from 'kysely';
import { underWay } from './admission.ts';
import type { Tx } from './database.ts';
import { isDue } from './due.ts';
import { notify } from './notifications.ts';
import type { ClaimedRun } from './run-claims.ts';

// Runs whose workers are to be started. Each has a place in the limits; one that can't be started gives it up after a few tries, so
// that others get on (spec page 8, row 5), and asks for one again by admission. It stays ready meanwhile, with the worker's
// name that it has: should a start have come through that was taken for failed, the next one finds that worker.

/** Takes Runs that are ready, in the order in which they should be started; none while the system is paused. */
export async function takeReadyRuns(tx: Tx, limit: number): Promise<ClaimedRun[]> {
  const { rows } = await sql<ClaimedRun>`
    with taken as (
      select plan_id, count(*) as runs from run
      where ${underWay} and status in ('starting', 'running', 'completing', 'aborting')
      group by plan_id
    ), ordered as materialized (
      select run_id, priority,
             coalesce(taken.runs, 0) + row_number() over (partition by plan_id order by run_id) as turn
      from run join plan using (plan_id) left join taken using (plan_id)
      where ${underWay} and status = 'ready' and ${isDue}
        and not exists (select from system where paused_at is not null)
    )
    select run.run_id as "runId", run.plan_id as "planId", status, worker, failures, attempt
    from ordered join run using (run_id)
    where status = 'ready' and not without_place
    order by priority desc, turn, run_id
    limit ${limit}
    for no key update of run skip locked`.execute(tx);
  return rows;
}

/** Whether there are any Runs that are ready and have a place. */
export async function isAnyReady(tx: Tx): Promise<boolean> {
  const { rows } = await sql<{ is: boolean }>`
    select exists (select from run where ${underWay} and status = 'ready') as is`.execute(tx);
  return rows[0]?.is ?? false;
}

/** When to look again for Runs that are ready: see nextRunDue. Those without a place are looked for by admission. */
export async function nextReadyDue(tx: Tx): Promise<Date | undefined> {
  const { rows } = await sql<{ due: Date | null }>`
    select greatest(min(next_attempt_at), clock_timestamp() + interval '200 milliseconds') as due
    from run where ${underWay} and status = 'ready'
    having count(*) > 0`.execute(tx);
  return rows[0]?.due ?? undefined;
}

/** Gives the places of Runs that can't be started to others. */
export async function giveUpPlaces(tx: Tx, runIds: readonly RunId[]): Promise<void> {
  if (runIds.length === 0) return;
  await sql`update run set without_place = true where run_id = any (${runIds}::uuid[]) and status = 'ready'`.execute(
    tx,
  );
  await notify(tx, 'run:waiting');
}

/** Gives Runs that have been admitted, and are ready already, a place again. */
export async function takePlaces(tx: Tx, runIds: readonly RunId[]): Promise<void> {
  if (runIds.length === 0) return;
  await sql`update run set without_place = false where run_id = any (${runIds}::uuid[]) and status = 'ready'`.execute(
    tx,
  );
  await notify(tx, 'run:ready');
}
