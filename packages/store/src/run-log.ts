import type { RunId, RunStatus } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { noSuchRun } from './run-requests.ts';

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
