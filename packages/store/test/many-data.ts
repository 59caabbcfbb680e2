import type { KnitId } from '@knitfab/core';
import { sql } from 'kysely';
import type { TestStore } from './fixture.ts';

/** Makes many uploaded Data with the same tags at once; the order of their ids is not that of their Runs. */
export async function pushMany(store: TestStore, count: number, ...tags: string[]): Promise<KnitId[]> {
  const first = await store.push(...tags);
  const { rows } = await sql<{ knit_id: KnitId }>`
    with made as (
      insert into run (plan_id, status) select plan_id, 'done' from plan, generate_series(2, ${count}::integer)
      where name = 'knit#uploaded' returning run_id, updated_at
    ), new_data as (
      insert into data (knit_id, run_id, output_id, volume_ref, stamped_at)
      select gen_random_uuid(), made.run_id, output_id, 'data-' || made.run_id, made.updated_at
      from made cross join (select output_id from data where knit_id = ${first}) as upload
      returning knit_id
    ), new_tag as (
      insert into data_tag (knit_id, tag_id)
      select new_data.knit_id, tag_id from new_data cross join data_tag where data_tag.knit_id = ${first}
    )
    select knit_id from new_data`.execute(store.db);
  return [first, ...rows.map((row) => row.knit_id)];
}
