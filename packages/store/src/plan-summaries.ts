import type { PlanId } from '@knitfab/core';
import type { Connection, Tx } from './database.ts';

/** A Plan as other things refer to it (spec page 2, shapes). Fields without a value are left out. */
export interface PlanSummary {
  planId: PlanId;
  image?: string;
  name?: string;
  entrypoint?: string[];
  args?: string[];
  annotations?: string[];
}

interface SummaryRow {
  plan_id: PlanId;
  name: string | null;
  image_repository: string | null;
  image_tag: string | null;
  entrypoint: string[] | null;
  args: string[] | null;
  annotations: string[];
}

export function planSummary(row: SummaryRow): PlanSummary {
  return {
    planId: row.plan_id,
    ...(row.image_repository !== null && { image: `${row.image_repository}:${row.image_tag}` }),
    ...(row.name !== null && { name: row.name }),
    ...(row.entrypoint !== null && { entrypoint: row.entrypoint }),
    ...(row.args !== null && { args: row.args }),
    ...(row.annotations.length > 0 && { annotations: row.annotations }),
  };
}

/** The summaries of the Plans, by id. */
export async function planSummaries(
  db: Connection | Tx,
  planIds: Iterable<PlanId>,
): Promise<(planId: PlanId) => PlanSummary> {
  const unique = [...new Set(planIds)];
  const rows =
    unique.length === 0
      ? []
      : await db
          .selectFrom('plan')
          .select(['plan_id', 'name', 'image_repository', 'image_tag', 'entrypoint', 'args', 'annotations'])
          .where('plan_id', 'in', unique)
          .execute();
  const byId = new Map(rows.map((row) => [row.plan_id, planSummary(row)]));
  return (planId) => found(byId, planId);
}

/** What a foreign key promises to be there. */
export function found<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key): Value {
  const value = map.get(key);
  if (value === undefined) throw new Error(`the database refers to ${String(key)}, which is not there`);
  return value;
}
