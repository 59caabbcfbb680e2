import { type KnitId, type PlanId, type RunId, type RunStatus, visibleRunStatuses } from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import { inBatches, type Paging, type TimePosition } from './batches.ts';
import type { Connection, Tx } from './database.ts';

/** What `GET /api/runs/` filters by: any of each list, and when the Run last changed, half-open. */
export interface RunFilter extends Paging<TimePosition<RunId>> {
  planIds?: readonly PlanId[];
  knitIdInputs?: readonly KnitId[];
  knitIdOutputs?: readonly KnitId[];
  statuses?: readonly RunStatus[];
  since?: Date;
  until?: Date;
}

/** The ids of the Runs that fit the filter, by the time of their last change, then by id. */
export async function findRuns(db: Connection | Tx, filter: RunFilter): Promise<RunId[]> {
  return (await search(filter).execute(db)).rows.map((row) => row.id);
}

/** The same without a limit, a batch at a time. */
export function findRunsInBatches(tx: Tx, filter: Omit<RunFilter, 'limit'>): AsyncGenerator<RunId[], void> {
  return inBatches(tx, search(filter));
}

/**
 * Runs that use or made certain Data are found by these. Others are found by Plan and status: for each that is asked for, an
 * index has them in the list's order, so that a page takes no more than its beginning from each.
 */
function search(filter: RunFilter): RawBuilder<{ id: RunId }> {
  const { planIds, statuses, knitIdInputs, knitIdOutputs, since, until, after, limit } = filter;
  const conditions = [sql`true`];
  if (since !== undefined) conditions.push(sql`run.updated_at >= ${since}`);
  if (until !== undefined) conditions.push(sql`run.updated_at < ${until}`);
  if (after !== undefined) {
    conditions.push(sql`(run.updated_at, run.run_id) > (${after.updatedAt}, ${after.id}::uuid)`);
  }
  const time = sql.join(conditions, sql` and `);
  const ordered = sql`order by run.updated_at, run.run_id ${limit === undefined ? sql`` : sql`limit ${limit}`}`;

  if (isAsked(knitIdInputs) || isAsked(knitIdOutputs)) {
    const ways = [
      ...(isAsked(knitIdOutputs)
        ? [sql`select distinct run_id from data where knit_id = any (${knitIdOutputs}::uuid[])`]
        : []),
      ...(isAsked(knitIdInputs)
        ? [sql`select distinct run_id from run_input where knit_id = any (${knitIdInputs}::uuid[])`]
        : []),
    ];
    const ofPlans = isAsked(planIds) ? sql`and run.plan_id = any (${planIds}::uuid[])` : sql``;
    return sql`
      select run.run_id as id
      from (${sql.join(ways, sql` intersect `)}) as way
      cross join lateral (select * from run where run.run_id = way.run_id offset 0) as run
      where run.status = any (${isAsked(statuses) ? statuses : visibleRunStatuses}::text[]) ${ofPlans} and ${time}
      ${ordered}`;
  }
  if (isAsked(planIds)) {
    return sql`
      select run.run_id as id
      from unnest(${[...new Set(planIds)]}::uuid[]) as asked_plan (id)
      cross join unnest(${isAsked(statuses) ? [...new Set(statuses)] : visibleRunStatuses}::text[]) as asked_status (name)
      cross join lateral (
        select run_id, updated_at from run
        where run.plan_id = asked_plan.id and run.status = asked_status.name and ${time} ${ordered}) as run
      ${ordered}`;
  }
  if (isAsked(statuses)) {
    return sql`
      select run.run_id as id
      from unnest(${[...new Set(statuses)]}::text[]) as asked_status (name)
      cross join lateral (
        select run_id, updated_at from run where run.status = asked_status.name and ${time} ${ordered}) as run
      ${ordered}`;
  }
  return sql`select run.run_id as id from run where status <> 'invalidated' and ${time} ${ordered}`;
}

/** An empty list asks for nothing. */
const isAsked = <Item>(list: readonly Item[] | undefined): list is readonly Item[] =>
  list !== undefined && list.length > 0;
