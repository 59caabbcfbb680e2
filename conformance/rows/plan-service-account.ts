import { expectEqual, expectShape, expectStatus } from '../expect.ts';
import type { Row } from '../row.ts';
import { planDetail } from '../shapes.ts';
import { requestChange, unknownPlan } from './plan-changes.ts';

export const planServiceAccount: Row = {
  name: 'PUT, DELETE /api/plans/{planId}/serviceaccount',
  checks: {
    'sets and takes away': async (world) => {
      const { planId } = await world.plan('account');
      expectEqual(
        expectShape(
          await requestChange(world, 'PUT', planId, 'serviceaccount', { service_account: 'trainer' }),
          planDetail,
          'PUT',
        ).service_account,
        'trainer',
        'service_account',
      );
      expectEqual(
        expectShape(await requestChange(world, 'DELETE', planId, 'serviceaccount'), planDetail, 'DELETE')
          .service_account,
        undefined,
        'service_account',
      );
    },
    'refuses what is no name': async (world) => {
      const { planId } = await world.plan('bad-account');
      for (const body of [{ service_account: 'Not A Name' }, { service_account: 5 }])
        expectStatus(
          await requestChange(world, 'PUT', planId, 'serviceaccount', body),
          400,
          JSON.stringify(body),
        );
    },
    'of no Plan, or by a malformed id, is not found': async (world) => {
      await unknownPlan('PUT', 'serviceaccount', { service_account: 'trainer' })(world);
      await unknownPlan('DELETE', 'serviceaccount')(world);
    },
  },
};
