import { expectEqual, expectShape, expectStatus } from '../expect.ts';
import type { Row } from '../row.ts';
import { planDetail } from '../shapes.ts';
import { requestChange, unknownPlan } from './plan-changes.ts';

export const planResources: Row = {
  name: 'PUT /api/plans/{planId}/resources',
  checks: {
    'sets and unsets quantities': async (world) => {
      const { planId } = await world.plan('resources', { resources: { cpu: '100m', memory: '64Mi' } });
      const resources = async (change: unknown) =>
        expectShape(await requestChange(world, 'PUT', planId, 'resources', change), planDetail, 'PUT')
          .resources;
      expectEqual(await resources({ set: { cpu: '200m' }, unset: ['memory'] }), { cpu: '200m' }, 'resources');
      expectEqual(await resources({ set: null, unset: null }), { cpu: '200m' }, 'resources after null');
      expectEqual(
        await resources({ set: { memory: '128Mi' } }),
        { cpu: '200m', memory: '128Mi' },
        'resources after one more',
      );
    },
    'refuses what is no quantity or no name of a resource; nothing is changed': async (world) => {
      const { planId } = await world.plan('bad-resources', { resources: { cpu: '100m' } });
      for (const change of [
        { set: { cpu: 'many' } },
        { set: { cpu: '-1' } },
        { set: { 'not a name': '1' } },
        { set: [], unset: 5 },
      ])
        expectStatus(
          await requestChange(world, 'PUT', planId, 'resources', change),
          400,
          JSON.stringify(change),
        );
      expectEqual(
        expectShape(await world.wire.get(`/api/plans/${planId}`), planDetail, 'GET').resources,
        { cpu: '100m' },
        'resources',
      );
    },
    'of no Plan, or by a malformed id, is not found': unknownPlan('PUT', 'resources', {}),
  },
};
