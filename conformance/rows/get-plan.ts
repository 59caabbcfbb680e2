import { expectEqual, expectShape, expectStatus } from '../expect.ts';
import type { Row } from '../row.ts';
import { planDetail } from '../shapes.ts';
import { nobody } from '../world.ts';

export const getPlan: Row = {
  name: 'GET /api/plans/{planId}/',
  checks: {
    'is the Plan as it was registered': async (world) => {
      const plan = await world.plan('get');
      expectEqual(
        expectShape(await world.wire.get(`/api/plans/${plan.planId}`), planDetail, 'GET'),
        plan,
        'the Plan',
      );
    },
    'of no Plan, or by a malformed id, is not found': async (world) => {
      for (const id of [nobody, 'no-id'])
        expectStatus(await world.wire.get(`/api/plans/${id}`), 404, `GET /api/plans/${id}`);
    },
  },
};
