import type { PlanId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from '../database.ts';
import { notify } from '../notifications.ts';
import type { Invariant } from './invariant.ts';

interface Projected {
  plan_id: PlanId;
  /** How many each of its inputs has. */
  nominations: number[];
  /** How many Runs have only Data that are nominated now. */
  runs: number;
}

/**
 * Plans whose nominations are all projected. Those that are not are being worked on, and a Plan that has not a Run for each
 * combination is shown with how many it lacks: which ones is not worth the product of very many nominations.
 */
export const everyCombinationHasARun: Invariant = {
  name: 'combinations',
  rule: 'each combination of nominated Data has one Run, deleted ones included',
  async check(tx, most) {
    const counted = (await projectedPlans(tx)).map(({ plan_id, nominations, runs }) => ({
      plan_id,
      expected: nominations.reduce((product, count) => product * count, 1),
      runs,
    }));
    const wrong = counted.filter(({ expected, runs }) => expected !== runs);
    return wrong.slice(0, most).map(({ plan_id, expected, runs }) => ({
      subject: plan_id,
      problem: `${expected} combinations of nominated Data have ${runs} Runs`,
    }));
  },
  /** Makes projection look at all nominations of one input again: combinations that have a Run get no second one. */
  async mend(tx, breaches) {
    await sql`
      update nomination set projected = false
      where input_id in (select input_id from plan_input
                         where position = 1 and plan_id = any (${breaches.map((breach) => breach.subject)}::uuid[]))`.execute(
      tx,
    );
    await notify(tx, 'nomination');
  },
};

async function projectedPlans(tx: Tx): Promise<Projected[]> {
  const { rows } = await sql<Projected>`
    with counted as (
      select plan_id, input_id, position, count(knit_id) as nominations, count(knit_id) filter (where not projected) as rest
      from plan_input left join nomination using (input_id) group by 1, 2, 3
    ), projected as (
      select plan_id, array_agg(input_id order by position) as input_ids,
             array_agg(nominations order by position) as nominations
      from counted group by plan_id
      having sum(rest) = 0 and min(nominations) > 0
    )
    select plan_id, nominations,
           (select count(*) from run
            where run.plan_id = projected.plan_id and combination is not null
              and not exists (select from unnest(combination, input_ids) as part (knit_id, input_id)
                              where not exists (select from nomination
                                                where nomination.input_id = part.input_id
                                                  and nomination.knit_id = part.knit_id))) as runs
    from projected`.execute(tx);
  return rows;
}
