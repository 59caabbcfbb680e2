import type { KnitId, RunId } from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './database.ts';

export interface LineageQuery {
  root: { knitId: KnitId } | { runId: RunId };
  direction: 'up' | 'down' | 'both';
  /** How many Data away from the root; `Infinity` for all. */
  depth: number;
}

/** Ids as PostgreSQL wrote them, separated by commas: they go back to it in pieces, without being taken apart. */
export type Ids = string;

/** What a part of the graph Data → Run → Data consists of: each list without repetitions, in no order. */
export interface LineageGraph {
  /** Data whose Runs are part of the graph. */
  written: Ids;
  /** Data that the graph does not go beyond. */
  unwritten: Ids;
  runs: Ids;
  /** Runs of which all inputs are edges. */
  reading: Ids;
  /** Data of which all readers are edges. */
  read: Ids;
  truncated: { up: boolean; down: boolean };
}

/** From this depth on a limit costs more than it saves: each Data would be visited at each of its distances. */
const asGoodAsAll = 10_000;

interface Row {
  up: Ids | null;
  beyond: Ids | null;
  up_runs: Ids | null;
  down: Ids | null;
  read: Ids | null;
  down_runs: Ids | null;
  goes_on_up: boolean;
  goes_on_down: boolean;
}

/**
 * Finds what is part of the graph, in one recursive query. Without a limit every Data is visited once, since its distance is not
 * kept; with one, it counts at its shortest.
 */
export async function lineageGraph(tx: Tx, { root, direction, depth }: LineageQuery): Promise<LineageGraph> {
  const limited = depth < asGoodAsAll;
  const away = (distance: number) => sql.lit(limited ? distance : 0);
  const further = limited ? sql`depth + 1` : away(0);
  const within = limited ? sql`depth < ${depth}` : sql`true`;
  const rootData = 'knitId' in root ? root.knitId : null;
  const rootRun = 'runId' in root ? root.runId : null;
  const isAsked = (which: 'up' | 'down') => direction === 'both' || direction === which;
  // What a Run reads and writes is one Data away from it.
  const start = (which: 'up' | 'down', near: RawBuilder<unknown>) =>
    rootRun === null
      ? sql`select knit_id, run_id, ${away(0)} from data where knit_id = ${rootData} and ${sql.lit(isAsked(which))}`
      : sql`select knit_id, run_id, ${away(1)} from data
            where knit_id = any (array(${near})) and ${sql.lit(isAsked(which) && depth > 0)}`;
  const nearest = (way: RawBuilder<unknown>) =>
    limited
      ? sql`select knit_id, run_id, min(depth) as depth from ${way} group by knit_id, run_id`
      : sql`select * from ${way}`;
  const list = (ids: RawBuilder<unknown>) => sql`string_agg(${ids}::text, ',')`;
  const { rows } = await sql<Row>`
    with recursive visited_up (knit_id, run_id, depth) as (
      ${start('up', sql`select knit_id from run_input where run_id = ${rootRun}`)}
      union
      select data.knit_id, data.run_id, ${further}
      from visited_up join run_input using (run_id) join data on data.knit_id = run_input.knit_id
      where ${within}
    ),
    -- A Run that has read a Data and written none is a row without one.
    visited_down (knit_id, run_id, depth) as (
      ${start('down', sql`select knit_id from data where run_id = ${rootRun}`)}
      union
      select data.knit_id, run_input.run_id, ${further}
      from visited_down join run_input using (knit_id) left join data on data.run_id = run_input.run_id
      where ${within}
    ),
    up as materialized (${nearest(sql`visited_up`)}),
    down as materialized (${nearest(sql`visited_down`)})
    select
      (select ${list(sql`knit_id`)} from up where ${within}) as up,
      (select ${list(sql`knit_id`)} from up where not (${within})) as beyond,
      (select ${list(sql`run_id`)} from (select distinct run_id from up where ${within} order by run_id) as run) as up_runs,
      (select ${list(sql`knit_id`)} from down where (knit_id = ${rootData}) is not true) as down,
      (select ${list(sql`knit_id`)} from down where ${within}) as read,
      (select ${list(sql`run_id`)} from (select distinct run_id from down
                                         where (knit_id = ${rootData}) is not true order by run_id) as run
       where run_id is distinct from ${rootRun}) as down_runs,
      exists (select from up join run_input using (run_id) where not (${within}))
        or ${sql.lit(isAsked('up') && depth === 0)} and exists (select from run_input where run_id = ${rootRun}) as goes_on_up,
      exists (select from down join run_input using (knit_id) where not (${within}))
        or ${sql.lit(isAsked('down') && depth === 0)} and exists (select from data where run_id = ${rootRun}) as goes_on_down`.execute(
    tx,
  );
  const [row] = rows;
  const together = (...lists: (Ids | null | undefined)[]) => lists.filter(Boolean).join();
  return {
    written: together(row?.up, row?.down),
    unwritten: together(row?.beyond, direction === 'down' ? rootData : null),
    runs: together(row?.up_runs, row?.down_runs, rootRun),
    reading: together(row?.up_runs, isAsked('up') && depth > 0 ? rootRun : null),
    read: together(row?.read),
    truncated: { up: row?.goes_on_up ?? false, down: row?.goes_on_down ?? false },
  };
}
