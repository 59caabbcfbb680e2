import type { KnitId, PlanId, RunId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { found } from './plan-summaries.ts';

// How many bytes the tags of things take when they are shown: values may be 1 MiB, and the same one be shown over and over. The
// database knows without reading the values.

/** Of each Data, in the order of the ids. */
export async function tagBytesOfData(tx: Tx, knitIds: readonly KnitId[]): Promise<number[]> {
  const { rows } = await sql<{ bytes: number }>`
    select coalesce((select sum(octet_length(value)) from data_tag join tag using (tag_id)
                     where data_tag.knit_id = asked.knit_id), 0) as bytes
    from unnest(${knitIds}::uuid[]) with ordinality as asked (knit_id, nr) order by nr`.execute(tx);
  return rows.map((row) => row.bytes);
}

/** Of each Plan's inputs, outputs and log, in the order of the ids. */
export async function tagBytesOfPlans(tx: Tx, planIds: readonly PlanId[]): Promise<number[]> {
  const { rows } = await sql<{ bytes: number }>`
    select coalesce((select sum(octet_length(value))
                     from plan_input join plan_input_tag using (input_id) join tag using (tag_id)
                     where plan_input.plan_id = asked.plan_id), 0)
         + coalesce((select sum(octet_length(value))
                     from plan_output join plan_output_tag using (output_id) join tag using (tag_id)
                     where plan_output.plan_id = asked.plan_id), 0) as bytes
    from unnest(${planIds}::uuid[]) with ordinality as asked (plan_id, nr) order by nr`.execute(tx);
  return rows.map((row) => row.bytes);
}

/** Of each Run, which shows its Plan's, in the order of the ids. */
export async function tagBytesOfRuns(tx: Tx, runIds: readonly RunId[]): Promise<number[]> {
  const { rows } = await sql<{ plan_id: PlanId }>`
    select run.plan_id from unnest(${runIds}::uuid[]) with ordinality as asked (run_id, nr) join run using (run_id)
    order by nr`.execute(tx);
  const planIds = [...new Set(rows.map((row) => row.plan_id))];
  const bytes = await tagBytesOfPlans(tx, planIds);
  const bytesOf = new Map(planIds.map((planId, index) => [planId, bytes[index] ?? 0]));
  return rows.map((row) => found(bytesOf, row.plan_id));
}
