import type { KnitId } from '@knitfab/core';
import { sql } from 'kysely';
import { followTags, lockNominations } from '../nominations.ts';
import type { Breach, Invariant } from './invariant.ts';

/** Spec page 1, "Nomination and projection". */
export const nominationsFollowTags: Invariant = {
  name: 'nominations',
  rule: 'a Data is nominated to an input exactly when its Run is done and its tags contain all of the input’s',
  async check(tx, most) {
    const { rows } = await sql<Breach>`
      with fits as (
        select input_id, knit_id, count(*) as common
        from plan_input_tag join data_tag using (tag_id) group by 1, 2
        union all
        select input_id, pinned_id, 0 from plan_input where tag_count = 0 and pinned_id is not null
        union all
        select input_id, knit_id, 0
        from plan_input join data on knit_timestamp(stamped_at) = pinned_timestamp
        where tag_count = 0 and pinned_id is null
      ), nominated as (
        select fits.input_id, fits.knit_id
        from fits join plan_input using (input_id) join data using (knit_id) join run using (run_id)
        where common = tag_count and status = 'done'
          and (pinned_id is null or pinned_id = fits.knit_id)
          and (pinned_timestamp is null or pinned_timestamp = knit_timestamp(stamped_at))
      )
      select knit_id || ' ' || plan_id as subject,
             'the Data is ' || case when nomination.knit_id is null then 'not ' else '' end || 'nominated to the input '
               || path || ' of the Plan' as problem
      from nominated full join nomination using (input_id, knit_id) join plan_input using (input_id)
      where nominated.knit_id is null
         or (nomination.knit_id is null
             -- a new Plan's inputs get theirs in pieces
             and not exists (select from nomination_backlog as backlog
                             where backlog.input_id = plan_input.input_id and backlog.up_to < nominated.knit_id))
      limit ${most}`.execute(tx);
    return rows;
  },
  async mend(tx, breaches) {
    const knitIds = [...new Set(breaches.map(({ subject }) => subject.split(' ')[0] as KnitId))].sort();
    await lockNominations(tx, 'data');
    await sql`select from data where knit_id = any (${knitIds}::uuid[]) order by knit_id for no key update`.execute(
      tx,
    );
    await followTags(tx, knitIds);
  },
};
