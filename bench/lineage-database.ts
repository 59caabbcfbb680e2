import type pg from 'pg';
import { idFunction, idOf } from './scale-database.ts';

/** So many Runs, and so many Data that they make. */
export const lineageRuns = 50_000;

const last = lineageRuns - 1;

/** Data at which to begin: the last of a chain of Runs, and the one that all Runs of a fan have read. */
export const roots = { chain: idOf('102')(last), fan: idOf('203')(0) };

/** A Data that was uploaded, and a Plan that has one output and these inputs. */
const begin = (kind: string, inputs: string[]): string[] => [
  `insert into run (run_id, plan_id, status)
   select pg_temp.id('${kind}04', 0), plan_id, 'done' from plan where name = 'knit#uploaded'`,
  `insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
   select pg_temp.id('${kind}03', 0), pg_temp.id('${kind}04', 0), output_id, 'data-root-${kind}', now()
   from plan_output join plan using (plan_id) where name = 'knit#uploaded'`,
  `insert into plan (plan_id, identity, image_repository, image_tag)
   select pg_temp.id('${kind}05', 0), sha256('lineage-${kind}'), 'example.com/plan', 'v${kind}'`,
  ...inputs.map(
    (path, index) => `insert into plan_input (plan_id, position, path, tag_count)
      select pg_temp.id('${kind}05', 0), ${index + 1}, '${path}', 0`,
  ),
  `insert into plan_output (plan_id, path) select pg_temp.id('${kind}05', 0), '/out'`,
];

/** The Plan's Runs, each with these inputs, and what they make, with a tag. */
const run = (kind: string, inputs: string[]): string[] => [
  `insert into run (run_id, plan_id, combination, status, exit_code, exit_message)
   select pg_temp.id('${kind}01', n), pg_temp.id('${kind}05', 0), array[${inputs.join()}], 'done', 0, ''
   from generate_series(0, ${last}) n`,
  `insert into run_input (run_id, input_id, knit_id)
   select run_id, input_id, combination[position] from run join plan_input using (plan_id)
   where plan_id = pg_temp.id('${kind}05', 0)`,
  `insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
   select pg_temp.id('${kind}02', n), pg_temp.id('${kind}01', n), output_id, 'data-${kind}-' || n, now()
   from generate_series(0, ${last}) n join plan_output on plan_id = pg_temp.id('${kind}05', 0)`,
  `insert into tag (key, value) values ('lineage', '${kind}')`,
  `insert into data_tag (knit_id, tag_id)
   select pg_temp.id('${kind}02', n), tag_id from generate_series(0, ${last}) n
   cross join tag where key = 'lineage' and value = '${kind}'`,
];

/** Adds a chain of Runs, each of which reads what the one before it has made, and as many Runs that all read the same Data. */
export async function fillWithLineage(database: pg.Client): Promise<void> {
  await database.query(idFunction);
  await database.query(`set session_replication_role = replica; begin`);
  const statements = [
    ...begin('1', ['/in']),
    ...run('1', [`case n when 0 then pg_temp.id('103', 0) else pg_temp.id('102', n - 1) end`]),
    // A Plan has one Run for each combination: what tells these apart is what the chain has made.
    ...begin('2', ['/in', '/other']),
    ...run('2', [`pg_temp.id('203', 0)`, `pg_temp.id('102', n)`]),
  ];
  for (const statement of statements) await database.query(statement);
  await database.query('commit');
  await database.query('analyze');
}
