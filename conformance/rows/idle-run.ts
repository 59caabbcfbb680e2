import type { PlanSpec, World } from '../world.ts';

/** A Run that is not executed: of an inactive Plan. */
export async function idleRun(world: World, name: string, rest: PlanSpec = {}) {
  const plan = await world.plan(name, rest);
  const data = await world.data([world.tag(`${name}-in`)]);
  return { plan, data, run: await world.onlyRun(plan.planId, 'deactivated') };
}
