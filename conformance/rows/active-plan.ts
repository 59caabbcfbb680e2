import { expectEqual, expectShape } from '../expect.ts';
import type { Row } from '../row.ts';
import { planDetail } from '../shapes.ts';
import { requestChange, unknownPlan } from './plan-changes.ts';

export const activePlan: Row = {
  name: 'PUT, DELETE /api/plans/{planId}/active',
  checks: {
    'activates and deactivates, also twice': async (world) => {
      const { planId } = await world.plan('toggle');
      for (const [method, active] of [
        ['PUT', true],
        ['PUT', true],
        ['DELETE', false],
        ['DELETE', false],
      ] as const) {
        expectEqual(
          expectShape(await requestChange(world, method, planId, 'active'), planDetail, method).active,
          active,
          `active after ${method}`,
        );
      }
    },
    'of no Plan, or by a malformed id, is not found': async (world) => {
      await unknownPlan('PUT', 'active')(world);
      await unknownPlan('DELETE', 'active')(world);
    },
  },
};
