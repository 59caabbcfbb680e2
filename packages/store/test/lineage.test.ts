import type { KnitId, RunId, RunStatus } from '@knitfab/core';
import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { runSummaries, tagsOfDataInFull } from '../src/details.ts';
import { type LineageQuery, lineage, snapshot, type Tx, transaction } from '../src/index.ts';
import { testStore } from './fixture.ts';

const store = testStore();

/** A Run, with what it reads (Data by number, each made before it) and the Data that it makes. */
interface Step {
  status: RunStatus;
  exit: { code: number; message: string } | null;
  reads: number[];
  writes: { isLog: boolean; isStamped: boolean; tags: number[] }[];
}

/** Some before, some after the system's tags in their order, and with what JSON escapes. */
const tags = [
  { key: 'a', value: '1' },
  { key: 'knit', value: 'before' },
  { key: 'quoted', value: '"\\ é' },
  { key: '~', value: 'last' },
];

const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  status: fc.constantFrom('done', 'done', 'failed', 'running'),
  exit: fc.option(fc.record({ code: fc.nat(255), message: fc.string() })),
  reads: fc.array(fc.nat(30), { maxLength: 3 }),
  writes: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()).chain((has) =>
    fc
      .tuple(
        ...has.map((_, index) =>
          fc.record({
            isLog: fc.constant(index === 0),
            isStamped: fc.boolean(),
            tags: fc.subarray([...tags.keys()]),
          }),
        ),
      )
      .map((all) => all.filter((_, index) => has[index]).slice(0, 2)),
  ),
});

interface Edge {
  runId: RunId;
  knitId: KnitId;
  role: 'input' | 'output' | 'log';
  path?: string;
}

/** Writes the steps into the database as they are, and tells what there is then. */
async function write(tx: Tx, steps: Step[]): Promise<{ runs: RunId[]; data: KnitId[]; edges: Edge[] }> {
  const all = { runs: [] as RunId[], data: [] as KnitId[], edges: [] as Edge[] };
  const one = async <Row>(query: ReturnType<typeof sql<Row>>): Promise<Row> =>
    (await query.execute(tx)).rows[0] as Row;
  const { plan } = await one(sql<{ plan: string }>`
    insert into plan (identity, image_repository, image_tag)
    values (sha256(gen_random_uuid()::text::bytea), 'host', 'lineage') returning plan_id as plan`);
  for (const position of [1, 2, 3])
    await sql`insert into plan_input (plan_id, position, path, tag_count) values (${plan}, ${position}, ${`/in/${position}`}, 0)`.execute(
      tx,
    );
  for (const path of [null, '/out', '/"other"'])
    await sql`insert into plan_output (plan_id, path) values (${plan}, ${path})`.execute(tx);
  for (const { key, value } of tags)
    await sql`insert into tag (key, value) values (${key}, ${value}) on conflict do nothing`.execute(tx);
  for (const { status, exit, reads, writes } of steps) {
    const { run } = await one(sql<{ run: RunId }>`
      insert into run (plan_id, status, exit_code, exit_message)
      values (${plan}, ${status}, ${exit?.code ?? null}, ${exit?.message ?? null}) returning run_id as run`);
    all.runs.push(run);
    const inputs = all.data.length === 0 ? [] : reads.map((nr) => all.data[nr % all.data.length] as KnitId);
    for (const [index, knitId] of inputs.entries()) {
      const path = `/in/${index + 1}`;
      await sql`insert into run_input (run_id, input_id, knit_id)
        select ${run}, input_id, ${knitId} from plan_input where plan_id = ${plan} and path = ${path}`.execute(
        tx,
      );
      all.edges.push({ runId: run, knitId, role: 'input', path });
    }
    for (const [index, made] of writes.entries()) {
      const path = made.isLog ? null : ['/out', '/"other"'][index];
      const { knitId } = await one(sql<{ knitId: KnitId }>`
        insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
        select uuidv7(), ${run}, output_id, gen_random_uuid(), ${made.isStamped ? new Date(1.7e12 + index) : null}
        from plan_output where plan_id = ${plan} and path is not distinct from ${path}
        returning knit_id as "knitId"`);
      all.data.push(knitId);
      all.edges.push({ runId: run, knitId, ...(path ? { role: 'output', path } : { role: 'log' }) });
      for (const { key, value } of made.tags.map((nr) => tags[nr] as (typeof tags)[number]))
        await sql`insert into data_tag (knit_id, tag_id)
          select ${knitId}, tag_id from tag where digest = tag_digest(${key}, ${value})`.execute(tx);
    }
  }
  return all;
}

/** What a lineage is: a Data shows its Run (up) or its Runs (down) while it is less than the depth away, and these their Data. */
function defined(edges: Edge[], { root, direction, depth }: LineageQuery) {
  const shown = { data: new Set<KnitId>(), runs: new Set<RunId>(), edges: new Set<Edge>() };
  const truncated = { up: false, down: false };
  for (const way of ['up', 'down'] as const) {
    if (direction !== 'both' && direction !== way) continue;
    const isNext = (edge: Edge) => (edge.role === 'input') === (way === 'up');
    const left = new Map<KnitId, number>();
    const showRun = (runId: RunId, further: number) => {
      shown.runs.add(runId);
      for (const edge of edges.filter((each) => each.runId === runId && isNext(each))) {
        if (further < 0) truncated[way] = true;
        else {
          shown.edges.add(edge);
          showData(edge.knitId, further);
        }
      }
    };
    const showData = (knitId: KnitId, further: number) => {
      shown.data.add(knitId);
      if ((left.get(knitId) ?? -1) >= further) return;
      left.set(knitId, further);
      if (further === 0) return;
      for (const edge of edges.filter((each) => each.knitId === knitId && !isNext(each))) {
        shown.edges.add(edge);
        showRun(edge.runId, further - 1);
      }
    };
    if ('knitId' in root) showData(root.knitId, depth);
    else showRun(root.runId, depth - 1);
    for (const [knitId] of [...left].filter(([, further]) => further === 0)) {
      const runs = edges.filter((each) => each.knitId === knitId && !isNext(each)).map((each) => each.runId);
      if (way === 'down' ? runs.length > 0 : edges.some((each) => runs.includes(each.runId) && isNext(each)))
        truncated[way] = true;
    }
  }
  return { ...shown, truncated };
}

const sorted = <Item>(list: Iterable<Item>): Item[] =>
  [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

test('a lineage is what a simple definition says, for any graph, root, direction and depth', async () => {
  const query = fc.record({
    root: fc.record({ isRun: fc.boolean(), nr: fc.nat(30) }),
    direction: fc.constantFrom('up', 'down', 'both'),
    depth: fc.constantFrom(0, 1, 2, 3, Number.POSITIVE_INFINITY),
  });
  const steps = fc.array(stepArbitrary, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(steps, fc.array(query, { minLength: 8, maxLength: 8 }), async (given, queries) => {
      const all = await transaction(store.db, (tx) => write(tx, given));
      for (const { root, direction, depth } of queries) {
        const ids = root.isRun || all.data.length === 0 ? all.runs : all.data;
        const id = ids[root.nr % ids.length] as RunId & KnitId;
        const asked: LineageQuery = {
          root: ids === all.runs ? { runId: id } : { knitId: id },
          direction,
          depth,
        };
        const expected = defined(all.edges, asked);
        const [answer, run, tagsOf] = await snapshot(store.db, async (tx) => [
          JSON.parse((await lineage(tx, asked)).join('')),
          await runSummaries(tx, all.runs),
          await tagsOfDataInFull(tx, all.data),
        ]);
        expect({
          ...answer,
          data: sorted(answer.data),
          runs: sorted(answer.runs),
          edges: sorted(answer.edges),
        }).toEqual({
          root: id,
          data: sorted([...expected.data].map((knitId) => ({ knitId, tags: tagsOf(knitId) }))),
          runs: sorted([...expected.runs].map(run)),
          edges: sorted(expected.edges),
          truncated: expected.truncated,
        });
      }
    }),
    { numRuns: 20 },
  );
}, 120_000);

test('a graph of several pieces is whole', async () => {
  const steps = Array.from(
    { length: 1 },
    (): Step => ({
      status: 'done',
      exit: null,
      reads: [],
      writes: [{ isLog: false, isStamped: true, tags: [0] }],
    }),
  );
  const root = await transaction(store.db, async (tx) => {
    const { data, runs } = await write(tx, steps);
    await sql`
      with made as (
        insert into run (plan_id, status) select plan_id, 'done' from run, generate_series(1, 9000) where run_id = ${runs[0]}
        returning run_id, plan_id
      )
      insert into data (knit_id, run_id, output_id, volume_ref)
      select uuidv7(), run_id, output_id, run_id from made join plan_output using (plan_id) where path = '/out'`.execute(
      tx,
    );
    await sql`
      insert into run_input (run_id, input_id, knit_id)
      select run_id, input_id, ${data[0]} from run join plan_input using (plan_id)
      where plan_id = (select plan_id from run where run_id = ${runs[0]}) and position = 1 and run_id <> ${runs[0]}`.execute(
      tx,
    );
    return data[0] as KnitId;
  });
  const answer = JSON.parse(
    (
      await snapshot(store.db, (tx) => lineage(tx, { root: { knitId: root }, direction: 'both', depth: 2 }))
    ).join(''),
  );
  const ids = (key: 'data' | 'runs', id: 'knitId' | 'runId') =>
    new Set(answer[key].map((each: Record<string, string>) => each[id])).size;
  expect([ids('data', 'knitId'), ids('runs', 'runId'), answer.edges.length]).toEqual([9001, 9001, 18_001]);
});
