import type { PlanConnection, PlanId } from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './database.ts';
import {
  byId,
  inputPoints,
  type LogPoint,
  type Mountpoint,
  mountpoint,
  outputPoints,
  placed,
} from './mountpoints.ts';
import { noSuchPlan } from './plan-lock.ts';
import { type PlanSummary, planSummaries } from './plan-summaries.ts';

/** An output or log of a Plan that feeds an input of a Plan, maybe of the same one. */
export interface PlanGraphEdge {
  from: { planId: PlanId } & ({ mountpoint: Mountpoint } | { log: LogPoint });
  to: { planId: PlanId; mountpoint: Mountpoint };
}

/** A part of the graph of connected Plans (spec page 2). */
export interface PlanGraph {
  root: PlanId;
  plans: PlanSummary[];
  edges: PlanGraphEdge[];
  truncated: { up: boolean; down: boolean };
}

export interface PlanGraphQuery {
  root: PlanId;
  direction: 'up' | 'down' | 'both';
  /** How many Plans away from the root; `Infinity` for all. */
  depth: number;
}

type Way = 'up' | 'down';

interface Graph {
  /** Pairs of an output and the input that it feeds. */
  edges: { from: number; to: number }[];
  up: boolean;
  down: boolean;
}

/**
 * The Plans before and after a Plan, as far as a depth: a Plan less than the depth away shows what feeds it (up), or what it
 * feeds (down). The graph is one recursive query; what Plans, inputs and outputs look like is three queries more.
 * @throws {NotFound}
 */
export async function planGraph(tx: Tx, query: PlanGraphQuery): Promise<PlanGraph> {
  const { root } = query;
  const found = await sql`select from plan where plan_id = ${root}`.execute(tx);
  if (found.rows.length === 0) throw noSuchPlan(root);
  const { edges, up, down } = await traverse(tx, { ...query, roots: [root] });
  const output = byId(await outputPoints(tx, { outputIds: edges.map(({ from }) => from) }));
  const input = byId(await inputPoints(tx, { inputIds: edges.map(({ to }) => to) }));
  const connections = edges.map(({ from, to }) => ({ from: output(from), to: input(to) }));
  const planIds = new Set([root, ...connections.flatMap(({ from, to }) => [from.planId, to.planId])]);
  const summary = await planSummaries(tx, planIds);
  return {
    root,
    plans: [...planIds].map(summary),
    edges: connections.map(({ from, to }) => ({
      from: { planId: from.planId, ...placed(from) },
      to: { planId: to.planId, mountpoint: mountpoint(to) },
    })),
    truncated: { up, down },
  };
}

/**
 * Which Plans are fed by these, by what those make, and so on. Inputs that pin one Data are left out: what is made anew does not
 * come to them.
 */
export async function planConnections(tx: Tx, roots: readonly PlanId[]): Promise<PlanConnection[]> {
  const { edges } = await traverse(tx, { roots, direction: 'down', depth: Number.POSITIVE_INFINITY });
  const { rows } = await sql<PlanConnection>`
    select distinct plan_output.plan_id as from, plan_input.plan_id as to
    from unnest(${edges.map(({ from }) => from)}::bigint[], ${edges.map(({ to }) => to)}::bigint[]) as edge (output_id, input_id)
    join plan_output using (output_id) join plan_input using (input_id)
    where pinned_id is null and pinned_timestamp is null`.execute(tx);
  return rows;
}

/** Level by level, each Plan once: connections may form cycles. */
async function traverse(
  tx: Tx,
  { roots, direction, depth }: Pick<PlanGraphQuery, 'direction' | 'depth'> & { roots: readonly PlanId[] },
): Promise<Graph> {
  const limit = Math.min(depth, 2 ** 31 - 1);
  const start = (way: Way) => sql`
    select 0, ${roots}::uuid[], ${roots}::uuid[] where ${direction === way || direction === 'both'}`;
  const { rows } = await sql<Graph>`
    with recursive
    -- An input is looked up by the rarest of its tags: others may be on every output there is.
    use as materialized (select tag_id, count(*) as uses from plan_output_tag group by tag_id),
    rarest as materialized (
      select distinct on (input_id) input_id, plan_id, tag_count, tag_id
      from plan_input join plan_input_tag using (input_id) left join use using (tag_id)
      order by input_id, uses nulls first
    ),
    up (depth, plans, seen) as (${start('up')} union all ${nextLevel('up', limit)}),
    down (depth, plans, seen) as (${start('down')} union all ${nextLevel('down', limit)}),
    edge as materialized (
      select output_id, input_id from ${connected('up', sql`select unnest(plans) from up where depth < ${limit}`)}
      union
      select output_id, input_id from ${connected('down', sql`select unnest(plans) from down where depth < ${limit}`)}
    )
    select coalesce((select jsonb_agg(jsonb_build_object('from', output_id, 'to', input_id) order by output_id, input_id)
                     from edge), '[]') as edges,
           ${goesOn('up', limit)} as up,
           ${goesOn('down', limit)} as down`.execute(tx);
  return rows[0] ?? { edges: [], up: false, down: false };
}

/** What the Plans of a level are connected to, and is new: the Plans of the next level, and of all up to it. */
const nextLevel = (way: Way, limit: number): RawBuilder<unknown> => sql`
  select depth + 1, next.plans, seen || next.plans
  from ${sql.table(way)}, lateral (
    select array_agg(plan_id) as plans from (
      select ${sql.ref(way === 'up' ? 'source' : 'target')} as plan_id from ${connected(way, sql`select unnest(plans)`)}
      except select unnest(seen)
    ) as new
  ) as next
  where depth < ${limit} and next.plans is not null`;

/** Whether a Plan at the limit has connections that are not shown. */
const goesOn = (way: Way, limit: number): RawBuilder<unknown> => sql`exists (
  select output_id, input_id
  from ${connected(way, sql`select unnest(plans) from ${sql.table(way)} where depth = ${limit}`)}
  except select output_id, input_id from edge)`;

/**
 * The connections of Plans up or down: `source.output_id` feeds `target.input_id`. The rule is that of plan-connections.ts.
 * @param plans a query of their ids
 */
const connected = (way: Way, plans: RawBuilder<unknown>): RawBuilder<unknown> => sql`(
  select * from (
    select plan_output.plan_id as source, output_id, rarest.plan_id as target, input_id, tag_count
    from rarest join plan_output_tag using (tag_id) join plan_output using (output_id)
    where ${sql.ref(way === 'up' ? 'rarest.plan_id' : 'plan_output.plan_id')} in (${plans})
    offset 0 -- first the few that come into question, then the comparison of all their tags
  ) as candidate
  where tag_count = (select count(*) from plan_input_tag as asked join plan_output_tag as had using (tag_id)
                     where asked.input_id = candidate.input_id and had.output_id = candidate.output_id)
) as connection`;
