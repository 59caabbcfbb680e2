import { expectEqual, expectShape, expectStatus } from '../expect.ts';
import type { Row } from '../row.ts';
import { planDetail } from '../shapes.ts';
import { requestChange, unknownPlan } from './plan-changes.ts';

export const planAnnotations: Row = {
  name: 'PUT /api/plans/{planId}/annotations',
  checks: {
    'removes first, then adds; a key may have several values': async (world) => {
      const { planId } = await world.plan('annotations', { annotations: ['a=1', 'a=2', 'b=1', 'c=1'] });
      const annotations = async (change: unknown) =>
        expectShape(await requestChange(world, 'PUT', planId, 'annotations', change), planDetail, 'PUT')
          .annotations;
      expectEqual(
        await annotations({ add: ['b=1', 'a=3'], remove: ['b=1'], remove_key: ['a'] }),
        ['a=3', 'b=1', 'c=1'],
        'annotations',
      );
      expectEqual(
        await annotations({ add: null, remove: null, remove_key: null }),
        ['a=3', 'b=1', 'c=1'],
        'annotations after null',
      );
      expectEqual(
        await annotations({ remove_key: ['a', 'b', 'c'] }),
        undefined,
        'annotations when none are left',
      );
    },
    'refuses what is no annotation': async (world) => {
      const { planId } = await world.plan('bad-annotations');
      for (const add of [['no equals sign'], ['=no key'], 'a=1'])
        expectStatus(
          await requestChange(world, 'PUT', planId, 'annotations', { add }),
          400,
          JSON.stringify(add),
        );
    },
    'of no Plan, or by a malformed id, is not found': unknownPlan('PUT', 'annotations', {}),
  },
};
