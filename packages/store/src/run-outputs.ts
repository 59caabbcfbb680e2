import type { KnitId, RunId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { tellOfData, tellOfDeletedData } from './events/tell.ts';
import { notify } from './notifications.ts';

/** Gives Runs that have none their output Data: one for each output and the log of their Plans, with the Plan's tags. */
export async function insertOutputs(tx: Tx, runIds: readonly RunId[]): Promise<void> {
  await sql`
    with new_output as (
      select uuidv7() as knit_id, run.run_id, plan_output.output_id
      from run join plan_output using (plan_id)
      where run.run_id = any (${runIds}::uuid[])
    ), new_data as (
      insert into data (knit_id, run_id, output_id, volume_ref)
      select knit_id, run_id, output_id, 'data-' || knit_id from new_output
    ), ${tellOfData('new_output')}
    insert into data_tag (knit_id, tag_id)
    select new_output.knit_id, plan_output_tag.tag_id
    from new_output join plan_output_tag using (output_id)`.execute(tx);
}

/** Drops the Runs' output Data; their volumes go to garbage. */
export async function dropOutputs(tx: Tx, runIds: readonly RunId[]): Promise<void> {
  const { rows } = await sql<{ volume_ref: string }>`
    with dropped as (
      delete from data where run_id = any (${runIds}::uuid[]) returning knit_id, volume_ref
    ), ${tellOfDeletedData('dropped')}
    insert into garbage (volume_ref) select volume_ref from dropped
    on conflict do nothing
    returning volume_ref`.execute(tx);
  if (rows.length > 0) await notify(tx, 'garbage');
}

/**
 * Stamps the Runs' outputs with knit#timestamp: the moment when the Runs became what they are.
 * @returns the ids of the stamped Data
 */
export async function stampOutputs(tx: Tx, runIds: readonly RunId[]): Promise<KnitId[]> {
  const { rows } = await sql<{ knit_id: KnitId }>`
    with stamped as (
      update data set stamped_at = run.updated_at
      from run
      where run.run_id = data.run_id and data.run_id = any (${runIds}::uuid[])
      returning data.knit_id
    ), ${tellOfData('stamped')}
    select knit_id from stamped`.execute(tx);
  return rows.map((row) => row.knit_id);
}
