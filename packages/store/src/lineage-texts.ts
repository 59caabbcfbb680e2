import {
  formatTag,
  formatTime,
  idTagKey,
  type KnitId,
  type PlanId,
  type RunStatus,
  timestampTagKey,
} from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './database.ts';
import { systemTags } from './details.ts';
import type { Ids, LineageGraph } from './lineage-graph.ts';
import { inputPoints, outputPoints, type Point } from './mountpoints.ts';
import { found, planSummaries } from './plan-summaries.ts';
import { tagsById } from './tags.ts';

// The nodes and edges of a lineage as JSON; 100,000 nodes are 32 MB. PostgreSQL tells some thousand things at once, each column
// in one text, and prepares the next ones while these become JSON: ids have one length, neither they nor times need escapes, and
// of what many nodes share (Plans, inputs, outputs, sets of tags) the JSON is made once.

/** Length of an id, and of an id with the comma after it. */
const [idLength, idStep] = [36, 37];

const idAt = (ids: Ids, index: number): string => ids.slice(index * idStep, index * idStep + idLength);

/** What becomes of each of so many ids, as the items of a JSON array. */
const items = (ids: Ids, text: (id: string, index: number) => string): string =>
  Array.from({ length: Math.ceil(ids.length / idStep) }, (_, index) => text(idAt(ids, index), index)).join();

/** How many things are read, and written, at once: some hundred kilobytes. */
const pieceSize = 4000;

/** Of each piece of the ids what `read` finds; it goes on to the next one meanwhile. */
async function* inPieces<Piece>(
  ids: Ids,
  read: (among: RawBuilder<unknown>) => Promise<Piece>,
): AsyncGenerator<Piece, void> {
  const length = pieceSize * idStep;
  // A subquery, since the planner looks at each element of an array that it is given.
  const readFrom = (from: number) =>
    from < ids.length
      ? read(sql`any ((select ${`{${ids.slice(from, from + length - 1)}}`}::uuid[])::uuid[])`)
      : undefined;
  let next = readFrom(0);
  for (let from = length; next !== undefined; from += length) {
    const present = await next;
    next = readFrom(from);
    // The error is seen by whoever awaits it; when another one comes in between, nobody does.
    next?.catch(() => {});
    yield present;
  }
}

/** The texts of a piece's columns. All are null when nothing was found. */
async function columns<Name extends string>(
  tx: Tx,
  query: RawBuilder<Record<Name, string | null>>,
): Promise<Record<Name, string>> {
  const { rows } = await query.execute(tx);
  return Object.fromEntries(
    Object.entries(rows[0] ?? {}).map(([name, text]) => [name, text ?? '']),
  ) as Record<Name, string>;
}

/** What was found out about things, by their names in the database's texts. */
class Known<Value> {
  readonly #values = new Map<string, Value>();
  readonly #load: (names: string[]) => Promise<(name: string) => Value>;

  constructor(load: (names: string[]) => Promise<(name: string) => Value>) {
    this.#load = load;
  }

  /** Finds out what is not known yet. */
  async learn(names: readonly string[]): Promise<void> {
    const unknown = [...new Set(names)].filter((name) => !this.#values.has(name));
    if (unknown.length === 0) return;
    const value = await this.#load(unknown);
    for (const name of unknown) this.#values.set(name, value(name));
  }

  get(name: string): Value {
    return found(this.#values, name);
  }
}

interface Runs {
  texts: string[];
  /** Statuses by id: of those that are not done, for which their Data have a tag. */
  unfinished: ReadonlyMap<string, RunStatus>;
}

/** The Runs, and the statuses of all that have made Data of the graph. */
export async function runTexts(tx: Tx, { runs, unwritten }: LineageGraph): Promise<Runs> {
  const texts: string[] = [];
  const unfinished = new Map<string, RunStatus>();
  const plans = new Known(async (planIds) => {
    const summary = await planSummaries(tx, planIds as PlanId[]);
    return (planId) => JSON.stringify(summary(planId as PlanId));
  });
  const pieces = inPieces(runs, async (among) => {
    const read = await columns(
      tx,
      sql<Record<'runIds' | 'planIds' | 'statuses' | 'times' | 'codes' | 'messages', string>>`
        select string_agg(run_id::text, ',') as "runIds",
               string_agg(plan_id::text, ',') as "planIds",
               string_agg(status, ',') as statuses,
               ${millisecondsOf(sql`updated_at`)} as times,
               string_agg(coalesce(exit_code::text, ''), ',') as codes,
               string_agg(to_json(coalesce(exit_message, ''))::text, e'\\n') as messages
        from run where run_id = ${among}`,
    );
    const planIds = split(read.planIds);
    await plans.learn(planIds);
    return { ...read, planIds };
  });
  for await (const { runIds, planIds, ...read } of pieces) {
    const [statuses, times, codes] = [split(read.statuses), split(read.times), read.codes.split(',')];
    const messages = read.messages.split('\n');
    texts.push(
      items(runIds, (runId, index) => {
        const status = statuses[index] as RunStatus;
        if (status !== 'done') unfinished.set(runId, status);
        const code = codes[index];
        const exit = code === '' ? '' : `"exit":{"code":${code},"message":${messages[index]}},`;
        const plan = plans.get(planIds[index] ?? '');
        return `{"runId":"${runId}","status":"${status}","updatedAt":"${timeText(times[index])}",${exit}"plan":${plan}}`;
      }),
    );
  }
  const others = inPieces(unwritten, async (among) => {
    const { rows } = await sql<{ run_id: string; status: RunStatus }>`
      select run_id, status from run
      where run_id = any (array(select run_id from data where knit_id = ${among})) and status <> 'done'`.execute(
      tx,
    );
    return rows;
  });
  for await (const rows of others) for (const { run_id, status } of rows) unfinished.set(run_id, status);
  return { texts, unfinished };
}

/** The Data, and their edges from the Runs that wrote them. */
export async function dataTexts(
  tx: Tx,
  { written, unwritten }: LineageGraph,
  unfinished: Runs['unfinished'],
): Promise<{ texts: string[]; edges: string[] }> {
  const outputs = new Known(async (ids) =>
    endings('output', await outputPoints(tx, { outputIds: ids.map(Number) })),
  );
  const tagSets = new Known((sets) => userTags(tx, sets));
  const read = async (among: RawBuilder<unknown>) => {
    const { tagged, tagIds, ...data } = await columns(
      tx,
      sql<Record<'knitIds' | 'runIds' | 'outputIds' | 'times' | 'tagged' | 'tagIds', string>>`
        select data.*, tags.*
        from (select string_agg(knit_id::text, ',') as "knitIds",
                     string_agg(run_id::text, ',') as "runIds",
                     string_agg(output_id::text, ',') as "outputIds",
                     ${millisecondsOf(sql`stamped_at`)} as times
              from data where knit_id = ${among}) as data,
             (select string_agg(knit_id::text, ',') as tagged, string_agg(tag_ids, ' ') as "tagIds"
              from (select knit_id, string_agg(tag_id::text, ',') as tag_ids from data_tag
                    where knit_id = ${among} group by knit_id) as each) as tags`,
    );
    const sets = tagIds.split(' ');
    const outputIds = split(data.outputIds);
    await outputs.learn(outputIds);
    await tagSets.learn(['', ...sets]);
    return { ...data, outputIds, setOf: new Map(sets.map((set, index) => [idAt(tagged, index), set])) };
  };
  type Piece = Awaited<ReturnType<typeof read>>;
  const dataText = ({ knitIds, runIds, times, setOf }: Piece) => {
    const stamps = times.split(',');
    return items(knitIds, (knitId, index) => {
      const { before, after } = tagSets.get(setOf.get(knitId) ?? '');
      const status = unfinished.get(idAt(runIds, index)) ?? 'done';
      return `{"knitId":"${knitId}","tags":[${before}${systemTagsText(knitId, stamps[index], status)}${after}]}`;
    });
  };
  const edges = ({ knitIds, runIds, outputIds }: Piece) =>
    items(knitIds, (knitId, index) =>
      edgeText(idAt(runIds, index), knitId, outputs.get(outputIds[index] ?? '')),
    );
  const all = { texts: [] as string[], edges: [] as string[] };
  for await (const piece of inPieces(written, read)) {
    all.texts.push(dataText(piece));
    all.edges.push(edges(piece));
  }
  for await (const piece of inPieces(unwritten, read)) all.texts.push(dataText(piece));
  return all;
}

/** The edges to the Runs that read Data. */
export async function inputTexts(tx: Tx, { reading, read }: LineageGraph): Promise<string[]> {
  const texts: string[] = [];
  const inputs = new Known(async (ids) =>
    endings('input', await inputPoints(tx, { inputIds: ids.map(Number) })),
  );
  const readBy = (which: 'run_id' | 'knit_id') => async (among: RawBuilder<unknown>) => {
    const { runIds, knitIds, ...edges } = await columns(
      tx,
      sql<Record<'runIds' | 'knitIds' | 'inputIds', string>>`
        select string_agg(run_id::text, ',') as "runIds",
               string_agg(knit_id::text, ',') as "knitIds",
               string_agg(input_id::text, ',') as "inputIds"
        from run_input where ${sql.ref(which)} = ${among}`,
    );
    const inputIds = split(edges.inputIds);
    await inputs.learn(inputIds);
    return { runIds, knitIds, inputIds };
  };
  const edges = ({ runIds, knitIds, inputIds }: Awaited<ReturnType<ReturnType<typeof readBy>>>) =>
    items(runIds, (runId, index) => edgeText(runId, idAt(knitIds, index), inputs.get(inputIds[index] ?? '')));
  for await (const piece of inPieces(reading, readBy('run_id'))) texts.push(edges(piece));
  for await (const piece of inPieces(read, readBy('knit_id'))) texts.push(edges(piece));
  return texts.filter((text) => text !== '');
}

/** A column of times as milliseconds since 1970, blank for null. */
const millisecondsOf = (column: RawBuilder<unknown>) =>
  sql`string_agg(coalesce(round(date_part('epoch', ${column}) * 1000)::text, ''), ',')`;

/** A column none of whose values is blank. */
const split = (column: string): string[] => (column === '' ? [] : column.split(','));

const edgeText = (runId: string, knitId: string, ending: string): string =>
  `{"runId":"${runId}","knitId":"${knitId}",${ending}}`;

/** What tells an edge's role, by the id of the Plan's input or output. A log has no path. */
function endings(role: 'input' | 'output', points: readonly Point[]): (id: string) => string {
  const texts = new Map(
    points.map(({ id, path }) => [
      String(id),
      path === undefined ? '"role":"log"' : `"role":"${role}","path":${JSON.stringify(path)}`,
    ]),
  );
  return (id) => found(texts, id);
}

/** User tags of sets, as JSON: those that are sorted before the system's, and those after. */
async function userTags(tx: Tx, sets: string[]): Promise<(set: string) => { before: string; after: string }> {
  const idsOf = (set: string) => (set === '' ? [] : set.split(',').map(Number));
  const tag = await tagsById(tx, sets.flatMap(idsOf));
  return (set) => {
    const tags = idsOf(set).map((id) => formatTag(tag(id)));
    tags.sort();
    const first = tags.findIndex((text) => text > idTagKey);
    const [before, after] = first < 0 ? [tags, []] : [tags.slice(0, first), tags.slice(first)];
    return {
      before: before.map((text) => `${JSON.stringify(text)},`).join(''),
      after: after.map((text) => `,${JSON.stringify(text)}`).join(''),
    };
  };
}

/** The system's tags of a Data (details.ts), most of which are of this form. */
function systemTagsText(knitId: string, stamp = '', status: RunStatus = 'done'): string {
  if (status === 'done' && stamp !== '')
    return `"${idTagKey}:${knitId}","${timestampTagKey}:${timeText(stamp)}"`;
  const stampedAt = stamp === '' ? null : new Date(Number(stamp));
  return systemTags(knitId as KnitId, stampedAt, status)
    .map((text) => JSON.stringify(text))
    .join();
}

const timeText = (milliseconds = ''): string => formatTime(new Date(Number(milliseconds)));
