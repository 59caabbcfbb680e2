import { sql } from 'kysely';
import { noSuchData } from './data.ts';
import type { Tx } from './database.ts';
import { type LineageQuery, lineageGraph } from './lineage-graph.ts';
import { dataTexts, inputTexts, runTexts } from './lineage-texts.ts';
import { noSuchRun } from './run-requests.ts';

/**
 * The ancestors and descendants of a Data or a Run (spec page 1, "Lineage"), as the JSON of the wire (api: Lineage), in pieces.
 * The transaction may be over when they are sent.
 * @throws {NotFound}
 */
export async function lineage(tx: Tx, query: LineageQuery): Promise<string[]> {
  const { root } = query;
  await refuseMissing(tx, root);
  const graph = await lineageGraph(tx, query);
  const runs = await runTexts(tx, graph);
  const data = await dataTexts(tx, graph, runs.unfinished);
  const edges = [...(await inputTexts(tx, graph)), ...data.edges];
  return [
    `{"root":"${'knitId' in root ? root.knitId : root.runId}","data":[`,
    ...separated(data.texts),
    '],"runs":[',
    ...separated(runs.texts),
    '],"edges":[',
    ...separated(edges),
    `],"truncated":${JSON.stringify(graph.truncated)}}`,
  ];
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

/** Lists of a JSON array, one after the other. */
const separated = (texts: readonly string[]): string[] =>
  texts.flatMap((text, index) => (index === 0 ? [text] : [',', text]));
