import { changedTags, type KnitId, type PlanId, type Tag } from '@knitfab/core';
import { sql } from 'kysely';
import { noSuchData } from '../data.ts';
import type { Tx } from '../database.ts';
import { type PlanSummary, planSummaries } from '../plan-summaries.ts';
import { knownTagIds, tagsOfData } from '../tags.ts';

/** The Runs of active Plans that would start (spec page 8, row 7), most first. */
export interface StartedRuns {
  runs: { count: number; byPlan: { plan: PlanSummary; count: number }[] };
}

/** Nothing has this id: a Data that is not pushed yet. */
const unborn = '00000000-0000-0000-0000-000000000000' as KnitId;

/** The Runs that a new Data with these tags would start. Inputs that pin an id or a time ask for others. */
export async function dryRunUpload(tx: Tx, tags: readonly Tag[]): Promise<StartedRuns> {
  return startedRuns(tx, { knitId: unborn, fitting: await fittingInputs(tx, unborn, tags), nominated: [] });
}

/**
 * The Runs that a change of a Data's tags would start.
 * @throws {NotFound}
 */
export async function dryRunTags(
  tx: Tx,
  knitId: KnitId,
  change: { add: readonly Tag[]; remove: readonly Tag[]; removeKeys: readonly string[] },
): Promise<StartedRuns> {
  const { rows } = await sql<{ is_done: boolean; nominated: number[] }>`
    select run.status = 'done' as is_done,
           array(select input_id from nomination where nomination.knit_id = data.knit_id) as nominated
    from data join run using (run_id) where data.knit_id = ${knitId}`.execute(tx);
  const data = rows[0];
  if (data === undefined) throw noSuchData(knitId);
  // Tags of a Data that is not finished nominate it when it is.
  if (!data.is_done) return startedRuns(tx, { knitId, fitting: [], nominated: [] });
  const tags = changedTags((await tagsOfData(tx, [knitId])).get(knitId) ?? [], change);
  return startedRuns(tx, {
    knitId,
    fitting: await fittingInputs(tx, knitId, tags),
    nominated: data.nominated,
  });
}

/** The inputs that the Data would fit with these user tags. */
async function fittingInputs(tx: Tx, knitId: KnitId, tags: readonly Tag[]): Promise<number[]> {
  const { rows } = await sql<{ input_id: number }>`
    with fits as (
      select input_id, count(*) as common from plan_input_tag
      where tag_id = any (${await knownTagIds(tx, tags)}::bigint[])
      group by input_id
      union all
      -- inputs that ask for no user tag are left as they are
      select input_id, 0 from nomination join plan_input using (input_id)
      where knit_id = ${knitId} and tag_count = 0
    )
    select input_id from fits join plan_input using (input_id)
    where common = tag_count and (pinned_id is null or pinned_id = ${knitId})
      and (pinned_timestamp is null or pinned_timestamp =
           (select knit_timestamp(stamped_at) from data where knit_id = ${knitId}))`.execute(tx);
  return rows.map((row) => row.input_id);
}

/** The inputs that a Data fits after a change, and those that it is nominated to before. */
interface Change {
  knitId: KnitId;
  fitting: readonly number[];
  nominated: readonly number[];
}

/**
 * Counts combinations without making them: those of the Data that are nominated after the change, less those that do without
 * the new nominations, less those that have had a Run.
 */
async function startedRuns(tx: Tx, { knitId, fitting, nominated }: Change): Promise<StartedRuns> {
  const before = new Set(nominated);
  const gained = fitting.filter((inputId) => !before.has(inputId));
  if (gained.length === 0) return { runs: { count: 0, byPlan: [] } };
  const { rows } = await sql<{ plan_id: PlanId; input_id: number; others: number }>`
    select plan_id, input_id,
           (select count(*) from nomination
            where nomination.input_id = plan_input.input_id and knit_id <> ${knitId}) as others
    from plan_input
    where plan_id in (select plan_id from plan_input join plan using (plan_id)
                      where input_id = any (${gained}::bigint[]) and active)`.execute(tx);
  const planIds = [...new Set(rows.map((row) => row.plan_id))];
  const had = await combinationsWithRun(tx, { knitId, fitting, gained, planIds });
  const [after, isNew] = [new Set(fitting), new Set(gained)];
  const counts = new Map<PlanId, number>();
  for (const [planId, inputs] of Map.groupBy(rows, (row) => row.plan_id)) {
    const all = inputs.map(({ input_id, others }) => others + (after.has(input_id) ? 1 : 0));
    const without = inputs.map(({ input_id, others }, index) =>
      isNew.has(input_id) ? others : (all[index] ?? 0),
    );
    const count = product(all) - product(without) - (had.get(planId) ?? 0);
    if (count > 0) counts.set(planId, count);
  }
  const plan = await planSummaries(tx, counts.keys());
  const byPlan = [...counts].map(([planId, count]) => ({ plan: plan(planId), count }));
  byPlan.sort((a, b) => b.count - a.count || (a.plan.planId < b.plan.planId ? -1 : 1));
  return { runs: { count: byPlan.reduce((sum, { count }) => sum + count, 0), byPlan } };
}

const product = (factors: readonly number[]): number =>
  factors.reduce((result, factor) => result * factor, 1);

/** How many of the combinations in question have had a Run, by Plan: of before the Data lost a tag that it gets back. */
async function combinationsWithRun(
  tx: Tx,
  { knitId, fitting, gained, planIds }: Omit<Change, 'nominated'> & { gained: number[]; planIds: PlanId[] },
): Promise<Map<PlanId, number>> {
  if (knitId === unborn) return new Map();
  const { rows } = await sql<{ plan_id: PlanId; runs: number }>`
    with used as (
      -- deleted Runs have no rows of inputs any more
      select run_id from run_input where knit_id = ${knitId}
      union
      select run_id from run
      where plan_id = any (${planIds}::uuid[]) and status = 'invalidated' and ${knitId}::uuid = any (combination)
    ), had as (
      select run.run_id, run.plan_id
      from used join run using (run_id)
      cross join lateral unnest(run.combination) with ordinality as choice (knit_id, position)
      join plan_input on plan_input.plan_id = run.plan_id and plan_input.position = choice.position
      left join nomination on nomination.input_id = plan_input.input_id and nomination.knit_id = choice.knit_id
      where run.plan_id = any (${planIds}::uuid[])
      group by run.run_id, run.plan_id
      having bool_and(case when choice.knit_id = ${knitId} then plan_input.input_id = any (${[...fitting]}::bigint[])
                      else nomination.input_id is not null end)
         and bool_or(choice.knit_id = ${knitId} and plan_input.input_id = any (${gained}::bigint[]))
    )
    select plan_id, count(*) as runs from had group by plan_id`.execute(tx);
  return new Map(rows.map((row) => [row.plan_id, row.runs]));
}
