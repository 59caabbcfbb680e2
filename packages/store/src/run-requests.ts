import {
  Conflict,
  type Exit,
  exits,
  isFinished,
  NotFound,
  type RunId,
  type RunStatus,
  statusAfterRequest,
} from '@knitfab/core';
import { sql } from 'kysely';
import { beginNextAttempt } from './attempts.ts';
import type { Tx } from './database.ts';
import { dropOutputs } from './run-outputs.ts';
import { changeStatus, removeRun } from './run-status.ts';

// What users ask of a Run: stop, abort, retry, delete (spec page 1). Each takes the Run's row first, so that it and the
// loops see each other's changes one after the other.

interface LockedRun {
  status: RunStatus;
  /** Of a pseudo plan: nothing runs it again. */
  pseudo: boolean;
  /** An upload or import: a Run without inputs. */
  root: boolean;
}

async function lockRun(tx: Tx, runId: RunId): Promise<LockedRun> {
  const { rows } = await sql<LockedRun>`
    select status, (select name is not null from plan where plan.plan_id = run.plan_id) as pseudo,
           combination is null as root
    from run where run_id = ${runId} and status <> 'invalidated' for update`.execute(tx);
  const run = rows[0];
  if (run === undefined) throw noSuchRun(runId);
  return run;
}

export const noSuchRun = (runId: RunId): NotFound =>
  new NotFound({ reason: `there is no Run ${runId}`, advice: 'See `knit run find` for those that are.' });

/**
 * Ends a Run as a success; its worker is ended by finishing.
 * @throws {NotFound} {@link Conflict}
 */
export async function stopRun(tx: Tx, runId: RunId): Promise<void> {
  const run = await lockRun(tx, runId);
  const to = statusAfterRequest('stop', run.status);
  refuseUpload(run, 'stopped as a success');
  await endByUser(tx, runId, to, exits.stopped);
}

/**
 * Ends a Run as a failure.
 * @throws {NotFound} {@link Conflict}
 */
export async function abortRun(tx: Tx, runId: RunId): Promise<void> {
  const run = await lockRun(tx, runId);
  const to = statusAfterRequest('abort', run.status);
  await endByUser(tx, runId, to, exits.aborted);
}

async function endByUser(tx: Tx, runId: RunId, to: RunStatus, exit: Exit): Promise<void> {
  await tx
    .updateTable('run')
    .set({ stopped: true, ...(to === 'aborting' && { cause: 'user' }) })
    .where('run_id', '=', runId)
    .execute();
  await changeStatus(tx, { runIds: [runId], to, exit });
}

/** An upload is a success when all of it has arrived, and only then. */
function refuseUpload(run: LockedRun, what: string): void {
  if (!run.root) return;
  throw new Conflict({
    reason: `an upload can't be ${what}`,
    advice: 'Abort it (`knit run stop --fail`), or let it end.',
  });
}

/**
 * Sends a finished Run back to the start, with new outputs.
 * @throws {NotFound} {@link Conflict} when its outputs are used, or it is an upload or import
 */
export async function retryRun(tx: Tx, runId: RunId): Promise<void> {
  const isActive = await lockPlanOfRun(tx, runId);
  const run = await lockRun(tx, runId);
  const to = statusAfterRequest('retry', run.status);
  if (run.pseudo) {
    throw new Conflict({ reason: "an upload or import can't be retried", advice: 'Push the Data again.' });
  }
  await refuseUsedOutputs(tx, runId, 'retried');
  await beginNextAttempt(tx, [runId]);
  // Whoever asks for a Run again gives it all its budgets again.
  await sql`update run set budget_from = attempt where run_id = ${runId}`.execute(tx);
  await changeStatus(tx, { runIds: [runId], to });
  // Runs of an inactive Plan are not started, this one no more than others.
  if (!isActive) await changeStatus(tx, { runIds: [runId], to: 'deactivated' });
}

/** Keeps the Plan of a Run as active or inactive as it is; Plans are taken before their Runs, here as elsewhere. */
async function lockPlanOfRun(tx: Tx, runId: RunId): Promise<boolean> {
  const { rows } = await sql<{ active: boolean }>`
    select active from plan where plan_id = (select plan_id from run where run_id = ${runId}) for share`.execute(
    tx,
  );
  return rows[0]?.active ?? true;
}

/**
 * Deletes a Run with its outputs. A Run without inputs disappears; others stay, out of sight, so that their combination is
 * not run again.
 * @throws {NotFound} {@link Conflict} when its outputs are used
 */
export async function deleteRun(tx: Tx, runId: RunId): Promise<void> {
  const run = await lockRun(tx, runId);
  const to = statusAfterRequest('delete', run.status);
  if (isFinished(run.status)) await refuseUsedOutputs(tx, runId, 'deleted');
  await dropOutputs(tx, [runId]);
  if (run.root) {
    await removeRun(tx, runId);
    return;
  }
  await tx.deleteFrom('run_input').where('run_id', '=', runId).execute();
  await changeStatus(tx, { runIds: [runId], to });
}

/** Takes the outputs' rows, which keeps new Runs from using them, and looks whether some Run does already. */
async function refuseUsedOutputs(tx: Tx, runId: RunId, what: string): Promise<void> {
  await sql`select from data where run_id = ${runId} for update`.execute(tx);
  const { rows } = await sql<{ run_id: RunId }>`
    select using_run.run_id
    from data cross join lateral (select run_id from run_input where run_input.knit_id = data.knit_id limit 1) as using_run
    where data.run_id = ${runId} limit 1`.execute(tx);
  const user = rows[0]?.run_id;
  if (user === undefined) return;
  throw new Conflict({
    reason: `the Run ${runId} can't be ${what}: another Run, ${user}, uses its output`,
    advice: 'Delete the Runs that use its outputs first (`knit run rm`).',
    see: user,
  });
}
