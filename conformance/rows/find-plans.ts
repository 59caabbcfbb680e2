import { expectEqual, expectSorted, expectStatus } from '../expect.ts';
import type { Row } from '../row.ts';
import { foundPlans } from './found-plans.ts';

export const findPlans: Row = {
  name: 'GET /api/plans/',
  checks: {
    'finds by activeness, image with and without its tag, tags of an input, tags of an output or log': async (
      world,
    ) => {
      const { planId, image = '' } = await world.plan('find', {
        outputs: [{ path: '/out', tags: [world.tag('find-out'), world.tag('more')] }],
      });
      const mine: [string, string] = ['in_tag', world.tag('find-in')];
      const [repository, tag] = [
        image.slice(0, image.lastIndexOf(':')),
        image.slice(image.lastIndexOf(':') + 1),
      ];
      const cases: [query: [string, string][], isFound: boolean][] = [
        [[], true],
        [[['active', 'false']], true],
        [[['active', 'true']], false],
        [[['image', image]], true],
        [[['image', repository]], true],
        [[['image', `${repository}:another-${tag}`]], false],
        [[['out_tag', world.tag('find-out')]], true],
        [
          [
            ['out_tag', world.tag('find-out')],
            ['out_tag', world.tag('more')],
          ],
          true,
        ],
        [[['out_tag', world.tag('find-log')]], true],
        [
          [
            ['out_tag', world.tag('find-out')],
            ['out_tag', world.tag('find-log')],
          ],
          false,
        ],
        [[['in_tag', world.tag('nobody asks for it')]], false],
        [[['weather', 'fine']], true],
      ];
      for (const [query, isFound] of cases) {
        expectEqual(
          await foundPlans(world, [mine, ...query]),
          isFound ? [planId] : [],
          `in_tag and ${JSON.stringify(query)}`,
        );
      }
      expectEqual(await foundPlans(world, { out_tag: world.tag('more') }), [planId], 'out_tag alone');
    },
    'is sorted by planId': async (world) => {
      for (const name of ['sort-a', 'sort-b', 'sort-c'])
        await world.plan(name, { inputs: [{ path: '/in', tags: [world.tag('sort')] }] });
      const list = await foundPlans(world, { in_tag: world.tag('sort') });
      expectEqual(list.length, 3, 'number of Plans');
      expectSorted(list, (id) => id, 'order');
    },
    'refuses an activeness that is none, and malformed tags': async (world) => {
      for (const query of ['active=maybe', 'in_tag=no-colon', 'out_tag=no-colon'])
        expectStatus(await world.wire.get(`/api/plans?${query}`), 400, query);
    },
  },
};
