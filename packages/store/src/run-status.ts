import { type Exit, type RunId, type RunStatus, statusesBefore } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { tellOfRuns } from './events/tell.ts';
import { notify } from './notifications.ts';

export interface StatusChange {
  runIds: readonly RunId[];
  to: RunStatus;
  /** How the worker ended; left as it is when absent, taken away by a retry. */
  exit?: Exit;
}

/**
 * Moves Runs to another status, as far as the transition table allows it from where they are, and tells the loops.
 * Nothing else writes `run.status`. The step's failures and its problem are over with it.
 * @returns the ids of the Runs that moved
 */
export async function changeStatus(tx: Tx, { runIds, to, exit }: StatusChange): Promise<RunId[]> {
  if (runIds.length === 0) return [];
  const retried = to === 'waiting';
  const { rows } = await sql<{ run_id: RunId }>`
    with changed as (
    update run
    set status = ${to}, updated_at = clock_timestamp(), failures = 0, next_attempt_at = '-infinity', problem = null,
        without_place = false,
        exit_code = case when ${retried} then null else coalesce(${exit?.code ?? null}::smallint, exit_code) end,
        exit_message = case when ${retried} then null else coalesce(${exit?.message ?? null}::text, exit_message) end
    where run_id = any (${runIds}::uuid[]) and status = any (${statusesBefore(to)}::text[])
    returning run_id, plan_id, old.status as was, new.status, updated_at, exit_code, exit_message
    ), ${tellOfRuns('changed')}
    select run_id from changed`.execute(tx);
  if (rows.length > 0) await notify(tx, `run:${to}`);
  return rows.map((row) => row.run_id);
}

/** Takes a Run away as if it had never been; the caller has taken its outputs. */
export async function removeRun(tx: Tx, runId: RunId): Promise<void> {
  await sql`
    with removed as (
      delete from run where run_id = ${runId}
      returning run_id, plan_id, status as was, null::text as status, updated_at, exit_code, exit_message
    ), ${tellOfRuns('removed')}
    select`.execute(tx);
  await notify(tx, 'run:invalidated');
}
