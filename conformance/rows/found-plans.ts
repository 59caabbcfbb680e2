import { z } from 'zod';
import { expectShape } from '../expect.ts';
import { planDetail } from '../shapes.ts';
import type { World } from '../world.ts';

/** The ids of the Plans that a query finds. */
export async function foundPlans(
  world: World,
  query: Record<string, string> | [string, string][],
): Promise<string[]> {
  const path = `/api/plans?${new URLSearchParams(query)}`;
  return expectShape(await world.wire.get(path), z.array(planDetail), `GET ${path}`).map(
    ({ planId }) => planId,
  );
}
