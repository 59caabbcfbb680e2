import { expectStatus } from '../expect.ts';
import { nobody, type World } from '../world.ts';

/** What is asked of a Run knows none that there is not. */
export const unknownRun = (method: string, path: string) => async (world: World) => {
  for (const id of [nobody, 'no-id'])
    expectStatus(
      await world.wire.send(method, `/api/runs/${id}${path}`),
      404,
      `${method} /api/runs/${id}${path}`,
    );
};
