import type { KnitId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { locks } from './locks.ts';
import { notification } from './notifications.ts';

// Spec page 1, "Nomination and projection": a Data is nominated to an input when its Run is done and its tags contain all
// of the input's. Nominations are kept as rows and follow the tags in the same transaction that changes them. Those that a new
// Plan brings are made in pieces: see nomination-backlog.ts.

/**
 * A Plan that comes and a Data that changes must see each other, or a nomination would be missed: registering a Plan
 * excludes changes of Data, which exclude nothing but that. Take it before reading what the nomination depends on.
 */
export async function lockNominations(tx: Tx, changed: 'plan' | 'data'): Promise<void> {
  const shared = changed === 'data' ? sql.raw('_shared') : sql.raw('');
  await sql`select pg_advisory_xact_lock${shared}(${locks.nominations})`.execute(tx);
}

/**
 * Makes the nominations of the Data what their tags and their Runs' status say now: adds those that are missing,
 * withdraws those that no longer hold. The caller has locked the Data's rows.
 */
export async function renominateData(tx: Tx, knitIds: readonly KnitId[]): Promise<void> {
  await lockNominations(tx, 'data');
  await followTags(tx, knitIds);
}

/** The same for who holds the lock of nominations already. */
export async function followTags(tx: Tx, knitIds: readonly KnitId[]): Promise<void> {
  await sql`
    with candidate as (
      select data.knit_id, data.stamped_at
      from data join run using (run_id)
      where data.knit_id = any (${knitIds}::uuid[]) and run.status = 'done'
    ), fits as (
      -- by tags: as many in common as the input asks for
      select candidate.knit_id, candidate.stamped_at, plan_input_tag.input_id, count(*) as common
      from candidate join data_tag using (knit_id) join plan_input_tag using (tag_id)
      group by 1, 2, 3
      union all
      -- inputs that ask for no user tag, by what they pin
      select candidate.knit_id, candidate.stamped_at, plan_input.input_id, 0
      from candidate join plan_input on pinned_id = candidate.knit_id
      where tag_count = 0
      union all
      select candidate.knit_id, candidate.stamped_at, plan_input.input_id, 0
      from candidate join plan_input on pinned_timestamp = knit_timestamp(candidate.stamped_at)
      where tag_count = 0 and pinned_id is null
    ), nominated as (
      select fits.input_id, fits.knit_id
      from fits join plan_input using (input_id)
      where fits.common = plan_input.tag_count
        and (pinned_id is null or pinned_id = fits.knit_id)
        and (pinned_timestamp is null or pinned_timestamp = knit_timestamp(fits.stamped_at))
    ), withdrawn as (
      delete from nomination
      where knit_id = any (${knitIds}::uuid[])
        and not exists (select from nominated
                        where nominated.input_id = nomination.input_id and nominated.knit_id = nomination.knit_id)
    ), added as (
      insert into nomination (input_id, knit_id)
      select input_id, knit_id from nominated
      on conflict do nothing
      returning 1
    )
    select ${notification('nomination')} from added limit 1`.execute(tx);
}
