import type { RunId } from '@knitfab/core';
import { sql } from 'kysely';
import { changeStatus } from '../run-status.ts';
import type { Breach, Invariant } from './invariant.ts';

/** Spec page 1, "Run and its lifecycle": what a Run's rows must look like in each of its states. */

export const runsHaveTheirOutputs: Invariant = {
  name: 'outputs',
  rule: 'a Run has one Data for each output and the log of its Plan, and a deleted Run has none',
  async check(tx, most) {
    const { rows } = await sql<Breach>`
      select run_id as subject,
             'the Run has ' || coalesce(made, 0) || ' output Data, and should have ' || wanted as problem
      from run
      cross join lateral (
        select case when status = 'invalidated' then 0 else count(*) end as wanted
        from plan_output where plan_output.plan_id = run.plan_id) as output
      left join (select run_id, count(*) as made from data group by 1) as data using (run_id)
      where coalesce(made, 0) <> wanted
      limit ${most}`.execute(tx);
    return rows;
  },
};

export const runsHaveTheirInputs: Invariant = {
  name: 'inputs',
  rule: 'a Run that is not deleted uses the Data of its combination, and each of those is of a Run that is done',
  async check(tx, most) {
    const { rows } = await sql<Breach>`
      with used as (
        select run_input.run_id, array_agg(run_input.knit_id order by position) as knit_ids,
               bool_and(maker.status = 'done') as done
        from run_input join plan_input using (input_id) join data using (knit_id)
             join run as maker on maker.run_id = data.run_id
        group by 1
      )
      select run_id as subject,
             case when not used.done then 'an input of the Run is of a Run that is not done'
                  else 'the Run’s inputs are not those of its combination' end as problem
      from run left join used using (run_id)
      where combination is not null and status <> 'invalidated'
        and (knit_ids is distinct from combination or not used.done)
      limit ${most}`.execute(tx);
    return rows;
  },
};

export const finishedRunsAreStamped: Invariant = {
  name: 'stamps',
  rule: 'a Data has a knit#timestamp exactly when its Run has finished',
  async check(tx, most) {
    const { rows } = await sql<Breach>`
      select knit_id as subject,
             'the Data has ' || case when stamped_at is null then 'no' else 'a' end
               || ' knit#timestamp, and its Run is ' || status as problem
      from data join run using (run_id)
      where (stamped_at is not null) <> (status in ('done', 'failed'))
      limit ${most}`.execute(tx);
    return rows;
  },
};

export const activityFollowsPlans: Invariant = {
  name: 'activity',
  rule: 'Runs that have not begun are waiting when their Plan is active, and deactivated when it is not',
  async check(tx, most) {
    const { rows } = await sql<Breach>`
      select run_id as subject, 'the Run is ' || status || ', and its Plan is '
               || case when active then 'active' else 'not active' end as problem
      from run join plan using (plan_id)
      where status in ('waiting', 'deactivated') and active <> (status = 'waiting')
      limit ${most}`.execute(tx);
    return rows;
  },
  async mend(tx, breaches) {
    const subjects = breaches.map((breach) => breach.subject);
    // Plans are taken before their Runs, here as elsewhere. A Run that has begun, or ended, meanwhile is left as it is.
    await sql`
      select from plan where plan_id in (select plan_id from run where run_id = any (${subjects}::uuid[]))
      order by plan_id for share`.execute(tx);
    const { rows } = await sql<{ run_id: RunId; active: boolean }>`
      select run_id, active from run join plan using (plan_id)
      where run_id = any (${subjects}::uuid[]) and status in ('waiting', 'deactivated')
      order by run_id for no key update of run`.execute(tx);
    for (const to of ['waiting', 'deactivated'] as const) {
      const runIds = rows.filter((row) => row.active === (to === 'waiting')).map((row) => row.run_id);
      await changeStatus(tx, { runIds, to });
    }
  },
};

export const uploadsEnd: Invariant = {
  name: 'uploads',
  rule: 'an upload whose server went away is gone within a minute',
  async check(tx, most) {
    const { rows } = await sql<Breach>`
      select run_id as subject, 'nobody has prolonged the upload since ' || lease_until as problem
      from run where status = 'running' and lease_until < clock_timestamp() - interval '1 minute'
      limit ${most}`.execute(tx);
    return rows;
  },
};

export const sparesAreNobodys: Invariant = {
  name: 'spare volumes',
  rule: 'a spare volume is no Data’s, and is not to be destroyed',
  async check(tx, most) {
    const { rows } = await sql<Breach>`
      select volume_ref as subject,
             case when data.knit_id is null then 'the spare volume is to be destroyed'
                  else 'the spare volume is that of the Data ' || data.knit_id end as problem
      from spare_volume left join data using (volume_ref) left join garbage using (volume_ref)
      where data.knit_id is not null or garbage.volume_ref is not null limit ${most}`.execute(tx);
    return rows;
  },
  async mend(tx, breaches) {
    const volumeRefs = breaches.map((breach) => breach.subject);
    await sql`delete from spare_volume where volume_ref = any (${volumeRefs}::text[])`.execute(tx);
  },
};

export const garbageIsNobodys: Invariant = {
  name: 'garbage',
  rule: 'a volume that is to be destroyed is no Data’s',
  async check(tx, most) {
    const { rows } = await sql<Breach>`
      select knit_id as subject, 'the volume ' || volume_ref || ' of the Data is to be destroyed' as problem
      from garbage join data using (volume_ref) limit ${most}`.execute(tx);
    return rows;
  },
  async mend(tx, breaches) {
    await sql`
      delete from garbage where volume_ref in
        (select volume_ref from data where knit_id = any (${breaches.map((breach) => breach.subject)}::uuid[]))`.execute(
      tx,
    );
  },
};
