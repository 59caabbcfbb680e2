import { formatTag, formatTime, type RunStatus } from '@knitfab/core';
import { sql } from 'kysely';
import { noSuchData } from './data.ts';
import type { Tx } from './database.ts';
import { systemTags } from './details.ts';
import { type LineageQuery, lineageGraph } from './lineage-graph.ts';
import { inputPoints, outputPoints, type Point } from './mountpoints.ts';
import { found, planSummaries } from './plan-summaries.ts';
import { noSuchRun } from './run-requests.ts';
import { tagsById } from './tags.ts';

/**
 * The ancestors and descendants of a Data or a Run (spec page 1, "Lineage"), as the JSON of the wire (api: Lineage). It comes
 * in pieces that are written as they are taken, of what was read before, so the transaction may be over by then. Of what many
 * nodes share (Plans, inputs, outputs, tags) the text is made once.
 * @throws {NotFound}
 */
export async function lineage(tx: Tx, query: LineageQuery): Promise<Iterable<string>> {
  const { root } = query;
  await refuseMissing(tx, root);
  const { data, runs, reads, truncated } = await lineageGraph(tx, query);
  const written = data.filter((each) => each.isWritten);
  const shownIds = new Set([...reads, ...written].map((edge) => edge.runId));
  if ('runId' in root) shownIds.add(root.runId);
  const shown = runs.filter((run) => shownIds.has(run.runId));
  const planIds = shown.map((run) => run.planId);
  const summary = await planSummaries(tx, planIds);
  const planText = new Map([...new Set(planIds)].map((planId) => [planId, JSON.stringify(summary(planId))]));
  const inputText = endings('input', await inputPoints(tx, { inputIds: reads.map((edge) => edge.inputId) }));
  const outputText = endings(
    'output',
    await outputPoints(tx, { outputIds: written.map((each) => each.outputId) }),
  );
  const tag = await tagsById(
    tx,
    data.flatMap((each) => each.tagIds),
  );
  const statusOf = new Map<string, RunStatus>(runs.map((run) => [run.runId, run.status]));

  const dataText = (each: (typeof data)[number]) => {
    const user = each.tagIds.map((id) => formatTag(tag(id)));
    const system = systemTags(each.knitId, each.stampedAt, found(statusOf, each.runId));
    return `{"knitId":"${each.knitId}","tags":${JSON.stringify([...user, ...system].sort())}}`;
  };
  const runText = ({ runId, status, updatedAt, exit, planId }: (typeof runs)[number]) =>
    `{"runId":"${runId}","status":"${status}","updatedAt":"${formatTime(updatedAt)}",` +
    `${exit === undefined ? '' : `"exit":${exit},`}"plan":${found(planText, planId)}}`;
  const edge = (runId: string, knitId: string, ending: string) =>
    `{"runId":"${runId}","knitId":"${knitId}",${ending}}`;

  return (function* () {
    yield `{"root":"${'knitId' in root ? root.knitId : root.runId}","data":[`;
    yield* list(data, dataText);
    yield '],"runs":[';
    yield* list(shown, runText);
    yield '],"edges":[';
    yield* list(reads, ({ runId, knitId, inputId }) => edge(runId, knitId, found(inputText, inputId)));
    if (reads.length > 0 && written.length > 0) yield ',';
    yield* list(written, ({ runId, knitId, outputId }) => edge(runId, knitId, found(outputText, outputId)));
    yield `],"truncated":${JSON.stringify(truncated)}}`;
  })();
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

/** What tells an edge's role, by the id of the Plan's input or output. A log has no path. */
const endings = (role: 'input' | 'output', points: readonly Point[]): Map<number, string> =>
  new Map(
    points.map(({ id, path }) => [
      id,
      path === undefined ? '"role":"log"' : `"role":"${role}","path":${JSON.stringify(path)}`,
    ]),
  );

/** How many things are written at once: some hundred kilobytes. */
const pieceSize = 1000;

/** The things of a JSON array. */
function* list<Item>(items: readonly Item[], text: (item: Item) => string): Generator<string> {
  for (let from = 0; from < items.length; from += pieceSize) {
    const piece = items.slice(from, from + pieceSize).map(text);
    yield (from > 0 ? ',' : '') + piece.join();
  }
}
