import { idTagKey, type PlanId, timestampTagKey } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { found } from './plan-summaries.ts';
import { written } from './tags.ts';

/** An input or output of a Plan with its tags written out; `path` is absent for a log. */
export interface Point {
  id: number;
  planId: PlanId;
  path?: string;
  tags: string[];
}

/** An input or output as the wire shows it. */
export type Mountpoint = { path: string; tags: string[] };
/** A log as the wire shows it. */
export type LogPoint = { tags: string[] };

interface PointRow {
  id: number;
  plan_id: PlanId;
  path: string | null;
  pinned_id: string | null;
  pinned_timestamp: string | null;
  keys: string[];
  values: string[];
}

function point(row: PointRow): Point {
  const tags = row.keys.map((key, index) => ({ key, value: row.values[index] ?? '' }));
  if (row.pinned_id !== null) tags.push({ key: idTagKey, value: row.pinned_id });
  if (row.pinned_timestamp !== null) tags.push({ key: timestampTagKey, value: row.pinned_timestamp });
  return {
    id: row.id,
    planId: row.plan_id,
    ...(row.path !== null && { path: row.path }),
    tags: written(tags),
  };
}

/** The inputs with these ids, or of these Plans, in the order of their positions. */
export async function inputPoints(
  db: Connection | Tx,
  of: { inputIds: readonly number[] } | { planIds: readonly PlanId[] },
): Promise<Point[]> {
  if (('inputIds' in of ? of.inputIds : of.planIds).length === 0) return [];
  const where =
    'inputIds' in of
      ? sql`input_id = any (${[...new Set(of.inputIds)]}::bigint[])`
      : sql`plan_id = any (${[...new Set(of.planIds)]}::uuid[])`;
  const { rows } = await sql<PointRow>`
    select input_id as id, plan_id, path, pinned_id, pinned_timestamp,
           array_remove(array_agg(tag.key), null) as keys, array_remove(array_agg(tag.value), null) as values
    from plan_input left join plan_input_tag using (input_id) left join tag using (tag_id)
    where ${where}
    group by input_id order by plan_id, position`.execute(db);
  return rows.map(point);
}

/** The outputs and logs with these ids, or of these Plans, in the order of their paths, logs last. */
export async function outputPoints(
  db: Connection | Tx,
  of: { outputIds: readonly number[] } | { planIds: readonly PlanId[] },
): Promise<Point[]> {
  if (('outputIds' in of ? of.outputIds : of.planIds).length === 0) return [];
  const where =
    'outputIds' in of
      ? sql`output_id = any (${[...new Set(of.outputIds)]}::bigint[])`
      : sql`plan_id = any (${[...new Set(of.planIds)]}::uuid[])`;
  const { rows } = await sql<PointRow>`
    select output_id as id, plan_id, path, null as pinned_id, null as pinned_timestamp,
           array_remove(array_agg(tag.key), null) as keys, array_remove(array_agg(tag.value), null) as values
    from plan_output left join plan_output_tag using (output_id) left join tag using (tag_id)
    where ${where}
    group by output_id order by plan_id, path collate "C" nulls last`.execute(db);
  return rows.map(point);
}

/** Looks points up by id. */
export function byId(points: readonly Point[]): (id: number) => Point {
  const map = new Map(points.map((each) => [each.id, each]));
  return (id) => found(map, id);
}

/** `mountpoint` for what has a path, `log` for what has none. */
export const placed = ({ path, tags }: Point): { mountpoint: Mountpoint } | { log: LogPoint } =>
  path === undefined ? { log: { tags } } : { mountpoint: { path, tags } };

export const mountpoint = ({ path = '', tags }: Point): Mountpoint => ({ path, tags });
