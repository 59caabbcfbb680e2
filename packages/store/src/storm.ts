import type { PlanId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';

/**
 * Makes a new Plan inactive when it would start more Runs at once than the system lets it (spec page 8, row 8). An input for
 * which more Data are looked at than one piece of nominations is taken to have very many. The caller registers the Plan.
 */
export async function holdBackStorm(tx: Tx, planId: PlanId): Promise<void> {
  await sql`
    with choices as (
      select (select count(*) from (select from nomination where nomination.input_id = plan_input.input_id
                                    limit inactive_above + 1) as nominated)
             + case when backlog.input_id is null then 0 else inactive_above + 1 end as count,
             inactive_above
      from plan_input left join nomination_backlog as backlog using (input_id) cross join system
      where plan_id = ${planId}
    )
    update plan set active = false
    where plan_id = ${planId}
      and (select min(count) > 0 and sum(ln(greatest(count, 1))) > ln(min(inactive_above) + 0.5) from choices)`.execute(
    tx,
  );
}
