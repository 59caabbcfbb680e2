import type { KnitId, RunId } from '@knitfab/core';
import { sql } from 'kysely';
import { noSuchData } from './data.ts';
import type { Tx } from './database.ts';
import { type RunSummary, runSummaries, tagsOfDataInFull } from './details.ts';
import { byId, inputPoints, outputPoints } from './mountpoints.ts';
import { noSuchRun } from './run-requests.ts';

/** How a Data and a Run are connected: the Run reads it as an input, or wrote it as an output or as its log. */
export interface LineageEdge {
  runId: RunId;
  knitId: KnitId;
  role: 'input' | 'output' | 'log';
  path?: string;
}

/** A part of the graph Data → Run → Data (spec page 1, "Lineage"). */
export interface Lineage {
  root: KnitId | RunId;
  data: { knitId: KnitId; tags: string[] }[];
  runs: RunSummary[];
  edges: LineageEdge[];
  truncated: { up: boolean; down: boolean };
}

export interface LineageQuery {
  root: { knitId: KnitId } | { runId: RunId };
  direction: 'up' | 'down' | 'both';
  /** How many Data away from the root; `Infinity` for all. */
  depth: number;
}

interface Graph {
  edges: LineageEdge[];
  up: boolean;
  down: boolean;
}

/** From this depth on a limit costs more than it saves: each Data would be visited at each of its distances. */
const asGoodAsAll = 10_000;

/**
 * The ancestors and descendants of a Data or a Run. The graph is one recursive query; what its nodes look like are a fixed
 * number of queries more, however many there are.
 * @throws {NotFound}
 */
export async function lineage(tx: Tx, query: LineageQuery): Promise<Lineage> {
  const root = 'knitId' in query.root ? query.root.knitId : query.root.runId;
  await refuseMissing(tx, query.root);
  const graph = await traverse(tx, query);
  const runIds = new Set(graph.edges.map((edge) => edge.runId));
  const knitIds = new Set(graph.edges.map((edge) => edge.knitId));
  if ('knitId' in query.root) knitIds.add(query.root.knitId);
  else runIds.add(query.root.runId);
  const summary = await runSummaries(tx, [...runIds]);
  const tags = await tagsOfDataInFull(tx, [...knitIds]);
  return {
    root,
    data: [...knitIds].map((knitId) => ({ knitId, tags: tags(knitId) })),
    runs: [...runIds].map(summary),
    edges: graph.edges,
    truncated: { up: graph.up, down: graph.down },
  };
}

async function refuseMissing(tx: Tx, root: LineageQuery['root']): Promise<void> {
  if ('knitId' in root) {
    const found = await sql`select from data where knit_id = ${root.knitId}`.execute(tx);
    if (found.rows.length === 0) throw noSuchData(root.knitId);
    return;
  }
  const found = await sql`select from run where run_id = ${root.runId} and status <> 'invalidated'`.execute(
    tx,
  );
  if (found.rows.length === 0) throw noSuchRun(root.runId);
}

async function traverse(tx: Tx, { root, direction, depth }: LineageQuery): Promise<Graph> {
  const limited = depth < asGoodAsAll;
  const start = (which: 'up' | 'down') => {
    if (direction !== 'both' && direction !== which) return sql`select null::uuid, 0 where false`;
    if ('knitId' in root) return sql`select ${root.knitId}::uuid, 0`;
    // What a Run reads and writes is one Data away from it.
    const table = sql.table(which === 'up' ? 'run_input' : 'data');
    return sql`select knit_id, 1 from ${table} where run_id = ${root.runId} and ${depth > 0}`;
  };
  // Without a limit every Data is visited once: its distance is not kept.
  const further = limited ? sql`depth + 1` : sql`0`;
  const within = limited ? sql`depth < ${depth}` : sql`true`;
  const rootRun =
    'runId' in root ? sql`select ${root.runId}::uuid where ${depth > 0}` : sql`select null::uuid where false`;
  const { rows } = await sql<Record<'reads' | 'writes', string | null> & Pick<Graph, 'up' | 'down'>>`
    with recursive up (knit_id, depth) as (
      ${start('up')}
      union
      select run_input.knit_id, ${further}
      from up join data using (knit_id) join run_input using (run_id)
      where ${within}
    ), down (knit_id, depth) as (
      ${start('down')}
      union
      select made.knit_id, ${further}
      from down join run_input using (knit_id) join data as made using (run_id)
      where ${within}
    ),
    root_run (run_id) as (${rootRun}),
    inner_up as (select distinct knit_id from up where ${within}),
    inner_down as (select distinct knit_id from down where ${within}),
    up_run as (select run_id from inner_up join data using (knit_id)
               union select run_id from root_run where ${direction !== 'down'}),
    down_run as (select run_id from inner_down join run_input using (knit_id)
                 union select run_id from root_run where ${direction !== 'up'}),
    reads as (select run_id, input_id, knit_id from up_run join run_input using (run_id)
              union select run_id, input_id, knit_id from inner_down join run_input using (knit_id)),
    writes as (select run_id, output_id, knit_id from inner_up join data using (knit_id)
               union select run_id, output_id, knit_id from down_run join data using (run_id))
    select (select string_agg(run_id || ' ' || knit_id || ' ' || input_id, ',') from reads) as reads,
           (select string_agg(run_id || ' ' || knit_id || ' ' || output_id, ',') from writes) as writes,
           exists (select from up join data using (knit_id) join run_input using (run_id)
                   where not (${within}) and up.knit_id not in (select knit_id from inner_up)) as up,
           exists (select from down join run_input using (knit_id)
                   where not (${within}) and down.knit_id not in (select knit_id from inner_down)) as down`.execute(
    tx,
  );
  const [graph] = rows;
  const reads = edgesIn(graph?.reads);
  const writes = edgesIn(graph?.writes);
  const input = byId(await inputPoints(tx, { inputIds: reads.map((edge) => edge.point) }));
  const output = byId(await outputPoints(tx, { outputIds: writes.map((edge) => edge.point) }));
  return {
    edges: [
      ...reads.map(({ runId, knitId, point }): LineageEdge => {
        const { path = '' } = input(point);
        return { runId, knitId, role: 'input', path };
      }),
      ...writes.map(({ runId, knitId, point }): LineageEdge => {
        const { path } = output(point);
        return path === undefined ? { runId, knitId, role: 'log' } : { runId, knitId, role: 'output', path };
      }),
    ],
    up: graph?.up ?? false,
    down: graph?.down ?? false,
  };
}

interface Edge {
  runId: RunId;
  knitId: KnitId;
  /** The id of the Plan's input or output. */
  point: number;
}

/** Edges come as one text: a row of its own for each would take most of the time. */
const edgesIn = (text: string | null | undefined): Edge[] =>
  (text ?? '')
    .split(',')
    .filter((edge) => edge !== '')
    .map((edge) => ({
      runId: edge.slice(0, 36) as RunId,
      knitId: edge.slice(37, 73) as KnitId,
      point: Number(edge.slice(74)),
    }));
