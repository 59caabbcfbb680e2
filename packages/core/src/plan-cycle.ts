import type { PlanId } from './id.ts';

/** What one Plan makes fits an input of the other. */
export interface PlanConnection {
  readonly from: PlanId;
  readonly to: PlanId;
}

/**
 * The shortest way from a Plan over other Plans back to itself, breadth first: each Data that comes round makes another one,
 * without end.
 * @returns the other Plans in their order, or undefined when there is no such way; a Plan that feeds itself directly is none
 */
export function planCycle(root: PlanId, connections: readonly PlanConnection[]): PlanId[] | undefined {
  const next = Map.groupBy(connections, ({ from }) => from);
  const before = new Map<PlanId, PlanId>();
  for (let level = [root]; level.length > 0; ) {
    const found: PlanId[] = [];
    for (const here of level) {
      for (const { to } of next.get(here) ?? []) {
        if (to === root && here !== root) return wayTo(here, before, root);
        if (to === root || before.has(to)) continue;
        before.set(to, here);
        found.push(to);
      }
    }
    level = found;
  }
  return undefined;
}

function wayTo(last: PlanId, before: ReadonlyMap<PlanId, PlanId>, root: PlanId): PlanId[] {
  const way: PlanId[] = [];
  for (let here: PlanId | undefined = last; here !== undefined && here !== root; here = before.get(here)) {
    way.unshift(here);
  }
  return way;
}
