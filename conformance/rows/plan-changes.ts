import { expectStatus } from '../expect.ts';
import { nobody, type World } from '../world.ts';

/** Asks for a change of a Plan. */
export const requestChange = (world: World, method: string, planId: string, field: string, json?: unknown) =>
  world.wire.send(method, `/api/plans/${planId}/${field}`, json === undefined ? {} : { json });

/** What changes a Plan knows none that there is not. */
export const unknownPlan = (method: string, field: string, json?: unknown) => async (world: World) => {
  for (const id of [nobody, 'no-id'])
    expectStatus(
      await requestChange(world, method, id, field, json),
      404,
      `${method} /api/plans/${id}/${field}`,
    );
};
