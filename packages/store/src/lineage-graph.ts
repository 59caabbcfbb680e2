import type { KnitId, PlanId, RunId, RunStatus } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';

export interface LineageQuery {
  root: { knitId: KnitId } | { runId: RunId };
  direction: 'up' | 'down' | 'both';
  /** How many Data away from the root; `Infinity` for all. */
  depth: number;
}

/** A part of the graph Data → Run → Data, as the tables have it. */
export interface LineageGraph {
  data: LineageData[];
  /** Those that have made the Data, too, if the graph does not go on to them. */
  runs: LineageRun[];
  reads: { runId: RunId; knitId: KnitId; inputId: number }[];
  truncated: { up: boolean; down: boolean };
}

export interface LineageData {
  knitId: KnitId;
  runId: RunId;
  /** Which of its Run's outputs it is. */
  outputId: number;
  /** Whether the graph goes on to its Run. */
  isWritten: boolean;
  stampedAt: Date | null;
  /** Of its user tags. */
  tagIds: number[];
}

export interface LineageRun {
  runId: RunId;
  planId: PlanId;
  status: RunStatus;
  updatedAt: Date;
  /** Its code and message as JSON, if it has ended. */
  exit: string | undefined;
}

/** From this depth on a limit costs more than it saves: each Data would be visited at each of its distances. */
const asGoodAsAll = 10_000;

/** What is read, each as one text with a line for each of them: rows of their own would take most of the time. */
type Row = Record<'data' | 'tags' | 'runs' | 'reads', string | null> & { up: boolean; down: boolean };

/**
 * Reads the graph. Its rows are looked up by arrays of ids, for which PostgreSQL goes through an index once; a join would
 * look each of them up from the root.
 */
export async function lineageGraph(tx: Tx, { root, direction, depth }: LineageQuery): Promise<LineageGraph> {
  const limited = depth < asGoodAsAll;
  // Without a limit every Data is visited once: its distance is not kept.
  const away = (distance: number) => sql.lit(limited ? distance : 0);
  const further = limited ? sql`depth + 1` : away(0);
  const within = limited ? sql`depth < ${depth}` : sql`true`;
  const columns = sql`data.knit_id, data.run_id, data.output_id, data.stamped_at`;
  const start = (which: 'up' | 'down') => {
    const isAsked = sql.lit(direction === 'both' || direction === which);
    if ('knitId' in root)
      return sql`select ${columns}, ${away(0)} from data where knit_id = ${root.knitId} and ${isAsked}`;
    // What a Run reads and writes is one Data away from it.
    const near =
      which === 'up'
        ? sql`select knit_id from run_input where run_id = ${root.runId}`
        : sql`select knit_id from data where run_id = ${root.runId}`;
    return sql`select ${columns}, ${away(1)} from data
      where knit_id = any (array(${near})) and ${sql.lit(depth > 0)} and ${isAsked}`;
  };
  const rootRun = 'runId' in root ? root.runId : null;
  const rootData = 'knitId' in root ? root.knitId : null;
  const { rows } = await sql<Row>`
    with recursive up (knit_id, run_id, output_id, stamped_at, depth) as (
      ${start('up')}
      union
      select ${columns}, ${further}
      from up join run_input using (run_id) join data on data.knit_id = run_input.knit_id
      where ${within}
    ), down (knit_id, run_id, output_id, stamped_at, depth) as (
      ${start('down')}
      union
      select ${columns}, ${further}
      from down join run_input using (knit_id) join data on data.run_id = run_input.run_id
      where ${within}
    ),
    node as materialized (
      select knit_id, run_id, output_id, stamped_at, bool_or(is_written) as is_written
      from (select *, ${within} as is_written from up
            union all
            select *, knit_id is distinct from ${rootData} from down) as visited
      group by knit_id, run_id, output_id, stamped_at
    ),
    read as materialized (
      select run_id, knit_id, input_id from run_input
      where run_id = any (array(select run_id from up where ${within}
                                union all select ${rootRun}::uuid where ${sql.lit(direction !== 'down' && depth > 0)}))
      union all
      select run_id, knit_id, input_id from run_input
      where knit_id = any (array(select knit_id from down where ${within}))
    )
    select
      (select string_agg(concat_ws(' ', knit_id, run_id, output_id, is_written,
                                   round(date_part('epoch', stamped_at) * 1000)), e'\\n') from node) as data,
      (select string_agg(knit_id || ' ' || tag_ids, e'\\n')
       from (select knit_id, string_agg(tag_id::text, ',') as tag_ids from data_tag
             where knit_id = any (array(select knit_id from node)) group by knit_id) as tagged) as tags,
      (select string_agg(concat_ws(' ', run_id, plan_id, status, round(date_part('epoch', updated_at) * 1000),
                                   '{"code":' || exit_code || ',"message":' || to_json(coalesce(exit_message, '')) || '}'),
                         e'\\n')
       from run where run_id = any (array(select run_id from node union all select run_id from read
                                          union all select ${rootRun}::uuid))) as runs,
      (select string_agg(run_id || ' ' || knit_id || ' ' || input_id, e'\\n') from read) as reads,
      exists (select from up join run_input using (run_id)
              where not (${within}) and up.knit_id not in (select knit_id from up where ${within})) as up,
      exists (select from down join run_input using (knit_id)
              where not (${within}) and down.knit_id not in (select knit_id from down where ${within})) as down
    `.execute(tx);
  const [row] = rows;
  const tagIds = new Map(
    linesOf(row?.tags).map((line) => [line.slice(0, 36), line.slice(37).split(',').map(Number)]),
  );
  return {
    data: linesOf(row?.data).map((line) => {
      const [knitId = '', runId = '', outputId, isWritten, stampedAt] = line.split(' ');
      return {
        knitId: knitId as KnitId,
        runId: runId as RunId,
        outputId: Number(outputId),
        isWritten: isWritten === 't',
        stampedAt: stampedAt === undefined ? null : new Date(Number(stampedAt)),
        tagIds: tagIds.get(knitId) ?? [],
      };
    }),
    runs: linesOf(row?.runs).map((line) => {
      // What comes last may hold spaces.
      const [runId = '', planId = '', status = '', updatedAt, ...exit] = line.split(' ');
      return {
        runId: runId as RunId,
        planId: planId as PlanId,
        status: status as RunStatus,
        updatedAt: new Date(Number(updatedAt)),
        exit: exit.length === 0 ? undefined : exit.join(' '),
      };
    }),
    reads: linesOf(row?.reads).map((line) => ({
      runId: line.slice(0, 36) as RunId,
      knitId: line.slice(37, 73) as KnitId,
      inputId: Number(line.slice(74)),
    })),
    truncated: { up: row?.up ?? false, down: row?.down ?? false },
  };
}

const linesOf = (text: string | null | undefined): string[] => (text ? text.split('\n') : []);
