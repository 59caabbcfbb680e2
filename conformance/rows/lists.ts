import { z } from 'zod';
import { expectEqual, expectShape } from '../expect.ts';
import type { Row } from '../row.ts';
import { planDetail } from '../shapes.ts';

export const lists: Row = {
  name: 'Lists',
  checks: {
    'show the same as single things': async (world) => {
      const plan = await world.plan('lists');
      await world.data([world.tag('lists-in')]);
      const run = await world.onlyRun(plan.planId);
      expectEqual(
        expectShape(
          await world.wire.get(`/api/plans?in_tag=${world.tag('lists-in')}`),
          z.array(planDetail),
          'GET /api/plans',
        ),
        [plan],
        'Plans',
      );
      expectEqual(await world.run(run.runId), run, 'the Run');
    },
  },
};
