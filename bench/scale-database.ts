import type pg from 'pg';

/** How much there is in a database. */
export interface Scale {
  /** Uploaded Data: as many Runs of the pseudo plan. */
  uploads: number;
  plans: number;
  /** Each with one input and one output, which is a Data as well; spread evenly over the Plans, at most 100 for each. */
  runs: number;
  /** Further tags of each upload, the same for all; none when absent. */
  moreTags?: number;
}

/** 1,000,000 Data, 1,000 Plans, and 100,000 Runs of theirs. */
export const large: Scale = { uploads: 900_000, plans: 1_000, runs: 100_000 };

/** Data that share a tag `group:N`. */
export const groupSize = 100;

/** Out of how many uploads how many have the tag `split:train`. */
const train = { of: 9, have: 4 };

export const idOf = (kind: string) => (nr: number) =>
  `01a00000-0000-7${kind}-8000-${nr.toString(16).padStart(12, '0')}`;

/** The ids of what is in the database, by number: what an upload or a Run has made, Plans, Runs of Plans. */
export const ids = { plan: idOf('001'), upload: idOf('003'), run: idOf('004'), output: idOf('005') };

/** Ids are made of a kind and a number, so that rows refer to each other without being looked up. */
export const idFunction = `
  create function pg_temp.id(kind text, nr bigint) returns uuid language sql immutable
    return ('01a00000-0000-7' || kind || '-8000-' || lpad(to_hex(nr), 12, '0'))::uuid`;

const helpers = `
  ${idFunction};
  create function pg_temp.tag(text, text) returns bigint language sql stable
    return (select tag_id from tag where digest = tag_digest($1, $2));
  create function pg_temp.moment(nr bigint) returns timestamptz language sql stable
    return timestamptz '2026-01-01' + nr * interval '100 milliseconds';`;

/** The statements that fill an empty database, in order. */
function statements({ uploads, plans, runs, moreTags = 0 }: Scale): string[] {
  const groups = Math.ceil(uploads / groupSize);
  const runsPerPlan = runs / plans;
  return [
    `insert into tag (key, value) select 'group', n::text from generate_series(0, ${groups - 1}) n`,
    `insert into tag (key, value) values ('dataset', 'all'), ('split', 'train')`,
    `insert into tag (key, value) select 'made-by', n::text from generate_series(0, ${plans - 1}) n`,
    `insert into tag (key, value) select 'file', n::text from generate_series(0, ${uploads - 1}) n`,

    `insert into plan (plan_id, identity, image_repository, image_tag)
     select pg_temp.id('001', n), sha256(n::text::bytea), 'example.com/plan-' || n, 'v1' from generate_series(0, ${plans - 1}) n`,
    `insert into plan_input (plan_id, position, path, tag_count)
     select pg_temp.id('001', n), 1, '/in', 2 from generate_series(0, ${plans - 1}) n`,
    `insert into plan_input_tag (input_id, tag_id)
     select input_id, tag_id from generate_series(0, ${plans - 1}) n
     join plan_input on plan_id = pg_temp.id('001', n)
     cross join lateral (values (pg_temp.tag('group', n::text)), (pg_temp.tag('dataset', 'all'))) asked (tag_id)`,
    `insert into plan_output (plan_id, path) select pg_temp.id('001', n), '/out' from generate_series(0, ${plans - 1}) n`,
    `insert into plan_output_tag (output_id, tag_id)
     select output_id, tag_id from generate_series(0, ${plans - 1}) n
     join plan_output on plan_id = pg_temp.id('001', n)
     cross join lateral (values (pg_temp.tag('made-by', n::text)), (pg_temp.tag('dataset', 'all'))) has (tag_id)`,

    `insert into run (run_id, plan_id, status, updated_at)
     select pg_temp.id('002', n), (select plan_id from plan where name = 'knit#uploaded'), 'done', pg_temp.moment(n)
     from generate_series(0, ${uploads - 1}) n`,
    `insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
     select pg_temp.id('003', n), pg_temp.id('002', n),
            (select output_id from plan_output join plan using (plan_id) where name = 'knit#uploaded'),
            'data-' || pg_temp.id('003', n), pg_temp.moment(n)
     from generate_series(0, ${uploads - 1}) n`,

    // The Run nr of a Plan reads the Data nr of the Plan's group.
    `insert into run (run_id, plan_id, combination, status, updated_at, exit_code, exit_message, worker)
     select pg_temp.id('004', n), pg_temp.id('001', n / ${runsPerPlan}), array[pg_temp.id('003', n / ${runsPerPlan} + n % ${runsPerPlan} * ${groups})],
            case when n % 1000 = 0 then 'failed' else 'done' end, pg_temp.moment(${uploads} + n), 0, '', 'worker-run-' || pg_temp.id('004', n)
     from generate_series(0, ${runs - 1}) n`,
    `insert into run_input (run_id, input_id, knit_id)
     select pg_temp.id('004', n), input_id, pg_temp.id('003', n / ${runsPerPlan} + n % ${runsPerPlan} * ${groups})
     from generate_series(0, ${runs - 1}) n join plan_input on plan_id = pg_temp.id('001', n / ${runsPerPlan})`,
    `insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
     select pg_temp.id('005', n), pg_temp.id('004', n), output_id, 'data-' || pg_temp.id('005', n), pg_temp.moment(${uploads} + n)
     from generate_series(0, ${runs - 1}) n join plan_output on plan_id = pg_temp.id('001', n / ${runsPerPlan})`,
    `insert into nomination (input_id, knit_id, projected) select input_id, knit_id, true from run_input`,

    // One tag after the other, which is the order of the primary key.
    `insert into data_tag (knit_id, tag_id)
     select pg_temp.id('003', nr), tag_id from generate_series(0, ${groups - 1}) n
     cross join lateral (select pg_temp.tag('group', n::text) offset 0) has (tag_id)
     cross join generate_series(n, ${uploads - 1}, ${groups}) nr`,
    `insert into data_tag (knit_id, tag_id)
     select pg_temp.id('003', n), tag_id from (select pg_temp.tag('dataset', 'all') offset 0) has (tag_id)
     cross join generate_series(0, ${uploads - 1}) n`,
    `insert into data_tag (knit_id, tag_id)
     select pg_temp.id('003', n), tag_id from (select pg_temp.tag('split', 'train') offset 0) has (tag_id)
     cross join generate_series(0, ${uploads - 1}) n where n % ${train.of} < ${train.have}`,
    `insert into data_tag (knit_id, tag_id)
     select pg_temp.id('003', value::bigint), tag_id from tag where key = 'file'`,
    `insert into data_tag (knit_id, tag_id)
     select data.knit_id, plan_output_tag.tag_id from data join plan_output_tag using (output_id)`,
    `insert into tag (key, value) select 'more', n::text from generate_series(1, ${moreTags}) n`,
    `insert into data_tag (knit_id, tag_id)
     select pg_temp.id('003', n), tag_id from tag cross join generate_series(0, ${uploads - 1}) n where key = 'more'`,

    `delete from run_count`,
    `insert into run_count (status, change) select status, count(*) from run group by status`,
  ];
}

/**
 * Fills the empty database of a server with finished work. As a bulk load does, it makes the secondary indexes at the end, and
 * does not check what refers to what row by row.
 * @returns seconds
 */
export async function fillDatabase(database: pg.Client, scale: Scale): Promise<number> {
  const begun = performance.now();
  await database.query(helpers);
  await database.query(
    `set maintenance_work_mem = '256MB'; set work_mem = '64MB'; set session_replication_role = replica; begin`,
  );
  const { rows: indexes } = await database.query<{ name: string; definition: string }>(
    `select indexname as name, indexdef as definition from pg_indexes
     where schemaname = 'public' and tablename in ('run', 'data', 'data_tag', 'run_input', 'nomination')
       and not exists (select from pg_constraint where conname = indexname)`,
  );
  for (const { name } of indexes) await database.query(`drop index ${name}`);
  for (const statement of statements(scale)) await database.query(statement);
  for (const { definition } of indexes) await database.query(definition);
  await database.query('commit');
  await database.query('analyze');
  return (performance.now() - begun) / 1000;
}
