import { claimPlanToProject, projectPlan, type Store, transaction } from '@knitfab/store';
import type { Loop } from './loop.ts';

/** About how many Runs one transaction makes: enough to be fast, and not so many that others wait for long. */
const runsAtOnce = 10_000;

/** Turns nominations into Runs: each combination that has none yet gets one (spec page 1). */
export function projectionLoop({ db }: Store): Loop {
  return {
    name: 'projection',
    topics: ['nomination'],
    step: () =>
      transaction(db, async (tx) => {
        const plan = await claimPlanToProject(tx);
        if (plan === undefined) return { more: false };
        await projectPlan(tx, plan, runsAtOnce);
        return { more: true };
      }),
  };
}
