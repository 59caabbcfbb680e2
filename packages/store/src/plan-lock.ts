import { NotFound, type PlanId } from '@knitfab/core';
import type { Tx } from './database.ts';
import { notify } from './notifications.ts';

/**
 * Takes the Plan's row, so that projection and changes of the Plan don't overlap. Projection passes over it meanwhile, and is
 * told to look again.
 */
export async function lockPlan(tx: Tx, planId: PlanId) {
  const plan = await tx
    .selectFrom('plan')
    .select(['plan_id', 'active', 'resources', 'annotations', 'max_running', 'priority', 'retry'])
    .where('plan_id', '=', planId)
    .where('name', 'is', null)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (plan === undefined) throw noSuchPlan(planId);
  await notify(tx, 'nomination');
  return plan;
}

export const noSuchPlan = (planId: PlanId): NotFound =>
  new NotFound({ reason: `there is no Plan ${planId}`, advice: 'See `knit plan find` for those that are.' });
