import { type KnitId, type PlanId, type RunId, type RunStatus, visibleRunStatuses } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { noSuchRun } from './run-requests.ts';

/** What `GET /api/runs/` filters by: any of each list, and when the Run last changed, half-open. */
export interface RunFilter {
  planIds?: readonly PlanId[];
  knitIdInputs?: readonly KnitId[];
  knitIdOutputs?: readonly KnitId[];
  statuses?: readonly RunStatus[];
  since?: Date;
  until?: Date;
}

/** The ids of the Runs that fit the filter, by the time of their last change, then by id. */
export async function findRuns(db: Connection | Tx, filter: RunFilter): Promise<RunId[]> {
  const some = <Item>(list: readonly Item[] | undefined): list is readonly Item[] =>
    list !== undefined && list.length > 0;
  let query = db
    .selectFrom('run')
    .select('run_id')
    .where('status', 'in', some(filter.statuses) ? filter.statuses : visibleRunStatuses);
  if (some(filter.planIds)) query = query.where('plan_id', 'in', filter.planIds);
  if (some(filter.knitIdInputs)) {
    const using = sql<RunId>`(select run_id from run_input where knit_id = any (${filter.knitIdInputs}::uuid[]))`;
    query = query.where('run_id', 'in', using);
  }
  if (some(filter.knitIdOutputs)) {
    const making = sql<RunId>`(select run_id from data where knit_id = any (${filter.knitIdOutputs}::uuid[]))`;
    query = query.where('run_id', 'in', making);
  }
  if (filter.since !== undefined) query = query.where('updated_at', '>=', filter.since);
  if (filter.until !== undefined) query = query.where('updated_at', '<', filter.until);
  return (await query.orderBy('updated_at').orderBy('run_id').execute()).map((row) => row.run_id);
}

/**
 * Where a Run's log is; null when its Plan keeps none.
 * @throws {NotFound}
 */
export async function runLog(
  db: Connection | Tx,
  runId: RunId,
): Promise<{ status: RunStatus; volumeRef: string | null }> {
  const { rows } = await sql<{ status: RunStatus; volumeRef: string | null }>`
    select status, (select volume_ref from data join plan_output using (output_id)
                    where data.run_id = run.run_id and path is null) as "volumeRef"
    from run where run_id = ${runId} and status <> 'invalidated'`.execute(db);
  const row = rows[0];
  if (row === undefined) throw noSuchRun(runId);
  return row;
}
