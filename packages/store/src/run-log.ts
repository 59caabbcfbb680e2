import type { RunId, RunStatus } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { noSuchRun } from './run-requests.ts';

export interface RunLog {
  status: RunStatus;
  /** Null before the Run is ready. */
  worker: string | null;
  volumeRef: string | null;
}

/**
 * Where a Run's log is, null when its Plan keeps none, and who writes it.
 * @throws {NotFound}
 */
export async function runLog(db: Connection | Tx, runId: RunId): Promise<RunLog> {
  const { rows } = await sql<RunLog>`
    select status, worker, (select volume_ref from data join plan_output using (output_id)
                    where data.run_id = run.run_id and path is null) as "volumeRef"
    from run where run_id = ${runId} and status <> 'invalidated'`.execute(db);
  const row = rows[0];
  if (row === undefined) throw noSuchRun(runId);
  return row;
}
