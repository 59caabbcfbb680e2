import type { PlanId } from '@knitfab/core';
import {
  claimPlanToProject,
  isProjectionPending,
  projectPlan,
  type Store,
  transaction,
} from '@knitfab/store';
import type { Loop, Step } from './loop.ts';

/** About how many Runs one transaction makes: enough to be fast, and not so many that others wait for long. */
const runsAtOnce = 10_000;

/** When to look again for Plans that somebody else has at the moment. */
const soonMilliseconds = 200;

/** Turns nominations into Runs: each combination that has none yet gets one (spec page 1). */
export function projectionLoop({ db }: Store): Loop {
  let last: PlanId | undefined;
  return {
    name: 'projection',
    topics: ['nomination'],
    step: () =>
      transaction(db, async (tx): Promise<Step> => {
        const plan = await claimPlanToProject(tx, last);
        if (plan === undefined) {
          if (!(await isProjectionPending(tx))) return { more: false };
          return { more: false, nextAt: new Date(Date.now() + soonMilliseconds) };
        }
        last = plan.planId;
        const { runs } = await projectPlan(tx, plan, runsAtOnce);
        return { more: true, done: runs };
      }),
  };
}
