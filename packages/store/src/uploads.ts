import { Conflict, type KnitId, pseudoPlans, type RunId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { isLeaseOver } from './due.ts';
import { tellOfRuns } from './events/tell.ts';
import { renominateData } from './nominations.ts';
import { notify } from './notifications.ts';
import { dropOutputs, insertOutputs, stampOutputs } from './run-outputs.ts';
import { changeStatus, removeRun } from './run-status.ts';

// An upload is a Run of the pseudo plan knit#uploaded that is running while the bytes arrive (spec page 5, "Data Agent").
// Its server prolongs a lease; one that nobody prolongs was broken off with its server, and is removed by housekeeping.

/** How long an upload lives without a sign of its server. */
export const uploadLease = '30 seconds';

export interface Upload {
  runId: RunId;
  knitId: KnitId;
  volumeRef: string;
}

/** How long an import may take: as long as the token that stands for it is good (spec page 2), and a little more. */
const importLease = '31 minutes';

/** Begins an upload: its Run is running, its Data named, its volume yet to be made. */
export const beginUpload = (tx: Tx): Promise<Upload> => begin(tx, pseudoPlans.uploaded.name, uploadLease);

/** Begins an import: as an upload, but somebody else makes its volume, and nobody prolongs it. */
export const beginImport = (tx: Tx): Promise<Upload> => begin(tx, pseudoPlans.imported.name, importLease);

async function begin(tx: Tx, plan: string, lease: string): Promise<Upload> {
  const { rows } = await sql<{ run_id: RunId }>`
    with begun as (
      insert into run (plan_id, status, lease_until)
      select plan_id, 'running', clock_timestamp() + ${lease}::interval
      from plan where name = ${plan}
      returning run_id, plan_id, null::text as was, status, updated_at, exit_code, exit_message
    ), ${tellOfRuns('begun')}
    select run_id from begun`.execute(tx);
  await notify(tx, 'run:running');
  const runId = rows[0]?.run_id as RunId;
  await insertOutputs(tx, [runId]);
  const data = await tx
    .selectFrom('data')
    .select(['knit_id', 'volume_ref'])
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow();
  return { runId, knitId: data.knit_id, volumeRef: data.volume_ref };
}

/**
 * Says that the upload is still under way.
 * @returns whether it is: somebody may have aborted it
 */
export async function prolongUpload(db: Connection, runId: RunId): Promise<boolean> {
  const { rows } = await sql`
    update run set lease_until = clock_timestamp() + ${uploadLease}::interval
    where run_id = ${runId} and status = 'running'
    returning 1`.execute(db);
  return rows.length > 0;
}

/**
 * Ends an upload of which all bytes are safe: its Data can be used from now on.
 * @throws {Conflict} when it was aborted meanwhile
 */
export async function completeUpload(tx: Tx, { runId }: Pick<Upload, 'runId'>): Promise<void> {
  const completing = await changeStatus(tx, { runIds: [runId], to: 'completing' });
  if (completing.length === 0) throw uploadAborted();
  await changeStatus(tx, { runIds: [runId], to: 'done' });
  await renominateData(tx, await stampOutputs(tx, [runId]));
}

/**
 * Takes a broken upload away as if it had never been; its volume goes to garbage, also one that was made when the rest had
 * gone already. An upload that is done, though its server could not hear of it, stays.
 * @returns whether it is away
 */
export async function discardUpload(
  tx: Tx,
  { runId, volumeRef }: Pick<Upload, 'runId'> & Partial<Upload>,
): Promise<boolean> {
  const run = await tx
    .selectFrom('run')
    .select('status')
    .where('run_id', '=', runId)
    .forUpdate()
    .executeTakeFirst();
  if (run?.status === 'done') return false;
  await dropOutputs(tx, [runId]);
  await removeRun(tx, runId);
  if (volumeRef !== undefined) {
    await sql`insert into garbage (volume_ref) values (${volumeRef}) on conflict do nothing`.execute(tx);
    await notify(tx, 'garbage');
  }
  return true;
}

/** Why an upload that somebody has aborted ends. */
export const uploadAborted = (): Conflict =>
  new Conflict({ reason: 'the upload was aborted while it was under way', advice: 'Push the Data again.' });

/** Takes uploads whose lease has run out, and that nobody else has. */
export async function claimBrokenUploads(tx: Tx, limit: number): Promise<RunId[]> {
  const { rows } = await sql<{ run_id: RunId }>`
    select run_id from run
    where status = 'running' and ${isLeaseOver}
    order by run_id limit ${limit} for update skip locked`.execute(tx);
  return rows.map((row) => row.run_id);
}
