import { withDatabase } from '../../../bench/with-database.ts';
import type { KnitServer } from '../../../e2e/knit-server.ts';

/** Makes Plans, finished Runs of them, and their Data, all with one tag of so many bytes. */
export async function makeTagged(
  server: KnitServer,
  { plans, runsOfEach, tagBytes }: { plans: number; runsOfEach: number; tagBytes: number },
): Promise<void> {
  await withDatabase(await server.databaseUrl(), (database) =>
    database.query(
      `with big as (
         insert into tag (key, value) values ('large', repeat('x', $3)) returning tag_id
       ), made_plan as (
         insert into plan (identity, image_repository, image_tag, active)
         select sha256(('large' || nr)::bytea), 'host', 'large', false from generate_series(1, $1::integer) as nr
         returning plan_id
       ), made_output as (
         insert into plan_output (plan_id, path) select plan_id, '/out' from made_plan returning output_id, plan_id
       ), output_tag as (
         insert into plan_output_tag (output_id, tag_id) select output_id, tag_id from made_output, big
       ), made_run as (
         insert into run (plan_id, combination, status)
         select plan_id, array[uuidv7()], 'done' from made_plan, generate_series(1, $2::integer)
         returning run_id, plan_id, updated_at
       ), made_data as (
         insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
         select uuidv7(), run_id, output_id, 'data-' || run_id, updated_at from made_run join made_output using (plan_id)
         returning knit_id
       )
       insert into data_tag (knit_id, tag_id) select knit_id, tag_id from made_data, big`,
      [plans, runsOfEach, tagBytes],
    ),
  );
}
