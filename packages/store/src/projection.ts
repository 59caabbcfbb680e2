import type { KnitId, PlanId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { tellOfData, tellOfRuns } from './events/tell.ts';
import { notify } from './notifications.ts';
import { type Choice, nextPiece, type Piece, product } from './projection-pieces.ts';

// Spec page 1: each combination of one nominated Data per input that has no Run yet becomes one Run. That it gets no second
// one is the unique key of `run` over (plan_id, combination).
//
// A combination is made when the last of its nominations is projected: new nominations of one input are combined with
// those of all other inputs that have been projected before, and then are projected themselves.

/** A Plan with nominations to project, locked for this transaction, and its inputs by position. */
export interface PlanToProject {
  planId: PlanId;
  active: boolean;
  inputIds: number[];
}

/**
 * Takes a Plan that has nominations to project and that nobody else is projecting: the next one after `last`, so that a Plan
 * with very many does not hold up the others.
 */
export async function claimPlanToProject(tx: Tx, last?: PlanId): Promise<PlanToProject | undefined> {
  const { rows } = await sql<PlanToProject>`
    with recursive pending (input_id) as (
      -- the distinct inputs, one look into the index for each
      (select input_id from nomination where not projected order by input_id limit 1)
      union all
      select (select nomination.input_id from nomination
              where not projected and nomination.input_id > pending.input_id
              order by nomination.input_id limit 1)
      from pending where pending.input_id is not null
    )
    select plan_id as "planId", active,
           (select array_agg(input_id order by position) from plan_input where plan_input.plan_id = plan.plan_id) as "inputIds"
    from plan
    where plan_id in (select plan_id from plan_input where input_id in (select input_id from pending))
    order by plan_id > ${last ?? null}::uuid desc nulls last, plan_id
    limit 1
    for no key update skip locked`.execute(tx);
  return rows[0];
}

/** Whether nominations wait to be projected, of Plans that somebody else has at the moment. */
export async function isProjectionPending(tx: Tx): Promise<boolean> {
  const { rows } = await sql`select from nomination where not projected limit 1`.execute(tx);
  return rows.length > 0;
}

/**
 * Projects nominations of the Plan, of one input after the other, until about `enough` combinations are looked at: one that has
 * more than that is projected in pieces.
 * @returns how many Runs were made, and whether nominations may remain
 */
export async function projectPlan(
  tx: Tx,
  plan: PlanToProject,
  enough: number,
): Promise<{ runs: number; remain: boolean }> {
  let runs = 0;
  let looked = 0;
  while (looked < enough) {
    const next = await nextToProject(tx, plan);
    if (next === undefined) return { runs, remain: false };
    const { inputId, inProgress } = next;
    const choices = await choicesOf(
      tx,
      plan.inputIds.filter((each) => each !== inputId),
      enough + 1,
    );
    const others = product(choices);
    if (inProgress || others > enough) {
      const made = await projectPiece(tx, plan, next, choices, enough);
      runs += made.runs;
      looked += made.looked;
    } else {
      const knitIds = await takeNominations(
        tx,
        inputId,
        Math.max(1, Math.floor(enough / Math.max(1, others))),
      );
      if (others > 0 && knitIds.length > 0) runs += await insertRuns(tx, plan, inputId, knitIds);
      looked += Math.max(1, knitIds.length * others);
    }
  }
  return { runs, remain: true };
}

interface Next {
  inputId: number;
  /** Whether pieces of one of its nominations have been made. */
  inProgress: boolean;
}

/** An input with nominations to project: first of all that of one which is in progress. */
async function nextToProject(tx: Tx, { inputIds }: PlanToProject): Promise<Next | undefined> {
  const { rows } = await sql<Next>`
    (select input_id as "inputId", true as "inProgress" from nomination
     where input_id = any (${inputIds}::bigint[]) and progress is not null limit 1)
    union all
    (select input_id, false from nomination
     where input_id = any (${inputIds}::bigint[]) and not projected limit 1)
    order by "inProgress" desc limit 1`.execute(tx);
  return rows[0];
}

/** How many projected nominations these inputs have; counting stops at `most` for each. */
async function choicesOf(tx: Tx, inputIds: number[], most: number): Promise<Choice[]> {
  const { rows } = await sql<Choice>`
    select input.id as "inputId",
           (select count(*) from (select from nomination
                                  where nomination.input_id = input.id and projected limit ${most}) as counted) as count
    from unnest(${inputIds}::bigint[]) with ordinality as input (id, nr) order by nr`.execute(tx);
  return rows;
}

/** Makes the next combinations of a nomination that has very many; it is projected when there are no more. */
async function projectPiece(
  tx: Tx,
  plan: PlanToProject,
  { inputId, inProgress }: Next,
  choices: readonly Choice[],
  enough: number,
): Promise<{ runs: number; looked: number }> {
  // One that is being withdrawn at the moment is waited for, and then passed over.
  const { rows } = await sql<{ knit_id: KnitId; progress: KnitId[] | null }>`
    select knit_id, progress from nomination
    where input_id = ${inputId} and not projected ${inProgress ? sql`and progress is not null` : sql``}
    limit 1 for update`.execute(tx);
  const [nomination] = rows;
  if (nomination === undefined) return { runs: 0, looked: 1 };
  const piece = await nextPiece(tx, choices, nomination.progress ?? undefined, enough);
  await sql`
    update nomination set projected = ${piece === undefined}, progress = ${piece?.progress ?? null}::uuid[]
    where input_id = ${inputId} and knit_id = ${nomination.knit_id}`.execute(tx);
  if (piece === undefined) return { runs: 0, looked: 1 };
  const runs = await insertRuns(tx, plan, inputId, [nomination.knit_id], piece.chosen);
  return { runs, looked: piece.size };
}

/** Marks nominations as projected. One that is being withdrawn at the moment is waited for, and then passed over. */
async function takeNominations(tx: Tx, inputId: number, limit: number): Promise<KnitId[]> {
  const { rows } = await sql<{ knit_id: KnitId }>`
    update nomination set projected = true
    where input_id = ${inputId} and knit_id = any (array(
      select knit_id from nomination where input_id = ${inputId} and not projected
      limit ${limit} for update))
    returning knit_id`.execute(tx);
  return rows.map((row) => row.knit_id);
}

/**
 * One statement: the product of the new nominations with those of all other inputs, less what has a Run.
 * @param chosen of other inputs only these Data
 */
async function insertRuns(
  tx: Tx,
  plan: PlanToProject,
  inputId: number,
  knitIds: KnitId[],
  chosen: Piece['chosen'] = new Map(),
): Promise<number> {
  const column = (index: number) => sql.ref(`choice${index}.knit_id`);
  const factors = plan.inputIds.map((each, index) => {
    const alias = sql.ref(`choice${index}`);
    if (each === inputId) return sql`unnest(${knitIds}::uuid[]) as ${alias} (knit_id)`;
    const only = chosen.get(each);
    const among = only === undefined ? sql`` : sql`and knit_id = any (${only}::uuid[])`;
    return sql`(select knit_id from nomination where input_id = ${each} and projected ${among}) as ${alias}`;
  });
  const status = plan.active ? 'waiting' : 'deactivated';
  const { rows } = await sql<{ runs: number }>`
    with combination (knit_ids) as (
      select array[${sql.join(plan.inputIds.map((_, index) => column(index)))}]
      from ${sql.join(factors, sql` cross join `)}
    ), new_run as (
      insert into run (plan_id, combination, status)
      select ${plan.planId}, knit_ids, ${status} from combination
      on conflict (plan_id, combination) do nothing
      returning run_id, combination, plan_id, null::text as was, status, updated_at, exit_code, exit_message
    ), ${tellOfRuns('new_run')}, new_input as (
      insert into run_input (run_id, input_id, knit_id)
      select new_run.run_id, plan_input.input_id, new_run.combination[plan_input.position]
      from new_run cross join plan_input
      where plan_input.plan_id = ${plan.planId}
    ), new_output as materialized (
      select uuidv7() as knit_id, new_run.run_id, plan_output.output_id
      from new_run cross join plan_output
      where plan_output.plan_id = ${plan.planId}
    ), new_data as (
      insert into data (knit_id, run_id, output_id, volume_ref)
      select knit_id, run_id, output_id, 'data-' || knit_id from new_output
    ), new_tag as (
      insert into data_tag (knit_id, tag_id)
      select new_output.knit_id, plan_output_tag.tag_id
      from new_output join plan_output_tag using (output_id)
    ), ${tellOfData('new_output')}
    select count(*) as runs from new_run`.execute(tx);
  const runs = rows[0]?.runs ?? 0;
  if (runs > 0) await notify(tx, `run:${status}`);
  return runs;
}
