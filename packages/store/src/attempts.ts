import { defaultRetry, type FailureCause, pauseBeforeRetry, type Retry, type RunId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { dropOutputs, insertOutputs } from './run-outputs.ts';
import { changeStatus } from './run-status.ts';

// Retries (spec page 8, row 6): a failed Run goes back to the start by itself while the budget of its cause lasts. What each
// attempt came to is kept.

/** Keeps what the present attempts of the Runs came to, and gives the Runs new outputs for their next. */
export async function beginNextAttempt(tx: Tx, runIds: readonly RunId[]): Promise<void> {
  await sql`
    insert into run_attempt (run_id, attempt, ended_at, exit_code, exit_message, cause, execution)
    select run_id, attempt, updated_at, exit_code, exit_message, cause, execution
    from run where run_id = any (${runIds}::uuid[])`.execute(tx);
  await dropOutputs(tx, runIds);
  await insertOutputs(tx, runIds);
  await sql`
    update run
    set attempt = attempt + 1, worker = null, execution = null, stopped = false, cause = null
    where run_id = any (${runIds}::uuid[])`.execute(tx);
}

interface FailedRun {
  run_id: RunId;
  attempt: number;
  cause: FailureCause;
  exit_message: string | null;
  retry: Retry | null;
  /** Attempts before this one that have failed by the same cause, and by any, since somebody asked for the Run. */
  spent: number;
  attempts: number;
}

/**
 * Sends Runs that have just failed back to the start, those whose budget allows it.
 * @returns the ids of those that are tried again
 */
export async function retryFailedRuns(tx: Tx, runIds: readonly RunId[]): Promise<RunId[]> {
  if (runIds.length === 0) return [];
  const { rows } = await sql<FailedRun>`
    select run_id, attempt, coalesce(cause, 'error') as cause, exit_message, retry,
           (select count(*) from run_attempt as before
            where before.run_id = run.run_id and before.attempt >= budget_from
              and before.cause = coalesce(run.cause, 'error')) as spent,
           attempt - budget_from as attempts
    from run join plan using (plan_id)
    where run_id = any (${runIds}::uuid[]) and status = 'failed' and not stopped and plan.name is null`.execute(
    tx,
  );
  const retried = rows.flatMap((run) => {
    const pause = pauseBeforeRetry(run.retry ?? defaultRetry, run.cause, run);
    return pause === undefined ? [] : [{ ...run, pause }];
  });
  if (retried.length === 0) return [];
  const retriedIds = retried.map((run) => run.run_id);
  await beginNextAttempt(tx, retriedIds);
  await changeStatus(tx, { runIds: retriedIds, to: 'waiting' });
  await changeStatus(tx, { runIds: await ofInactivePlans(tx, retriedIds), to: 'deactivated' });
  await sql`
    update run
    set next_attempt_at = clock_timestamp() + again.pause * interval '1 millisecond', problem = again.problem
    from unnest(${retriedIds}::uuid[], ${retried.map((run) => run.pause)}::float8[],
                ${retried.map(describe)}::text[]) as again (run_id, pause, problem)
    where run.run_id = again.run_id`.execute(tx);
  return retriedIds;
}

/** Runs of inactive Plans are not started. A Plan that is being activated or deactivated at the moment is waited for. */
async function ofInactivePlans(tx: Tx, runIds: readonly RunId[]): Promise<RunId[]> {
  const { rows } = await sql<{ run_id: RunId; active: boolean }>`
    with locked as (
      select plan_id, active from plan
      where plan_id in (select plan_id from run where run_id = any (${runIds}::uuid[]))
      order by plan_id for share
    )
    select run_id, active from run join locked using (plan_id) where run_id = any (${runIds}::uuid[])`.execute(
    tx,
  );
  return rows.filter((run) => !run.active).map((run) => run.run_id);
}

const describe = ({ attempt, exit_message }: FailedRun): string =>
  `attempt ${attempt} failed (${exit_message || 'without a word'}) and is tried again after a pause`.slice(
    0,
    2000,
  );
