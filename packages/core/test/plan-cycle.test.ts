import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type PlanConnection, type PlanId, planCycle } from '../src/index.ts';

const connections = (...pairs: string[]): PlanConnection[] =>
  pairs.map((pair) => ({ from: pair[0] as PlanId, to: pair[1] as PlanId }));

test.each([
  [['ab', 'bc'], undefined],
  [['aa', 'ab'], undefined],
  [['ab', 'ba'], ['b']],
  [
    ['ab', 'bc', 'ca', 'bb'],
    ['b', 'c'],
  ],
  [['ab', 'bc', 'ca', 'ad', 'da'], ['d']],
  [['ab', 'bc', 'cb', 'cd', 'db'], undefined],
])('from a over %j the way back is over %j', (pairs, way) => {
  expect(planCycle('a' as PlanId, connections(...pairs))).toEqual(way);
});

test('a way back is found exactly when there is one, and it is a way', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const pair = fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)).map((each) => each.join(''));
  fc.assert(
    fc.property(fc.uniqueArray(pair), (pairs) => {
      const way = planCycle('a' as PlanId, connections(...pairs));
      // What is reached from what a feeds, by steps that are taken until nothing is new.
      const reached = new Set(
        pairs.filter((each) => each[0] === 'a' && each[1] !== 'a').map((each) => each[1]),
      );
      for (let size = -1; size < reached.size; ) {
        size = reached.size;
        for (const [from = '', to = ''] of pairs)
          if (from !== 'a' && reached.has(from) && to !== 'a') reached.add(to);
      }
      const comesBack = pairs.some(([from = '', to]) => to === 'a' && from !== 'a' && reached.has(from));
      expect(way !== undefined).toBe(comesBack);
      const stations = ['a', ...(way ?? []), 'a'];
      if (way)
        for (const [index, to] of stations.slice(1).entries())
          expect(pairs).toContain(`${stations[index]}${to}`);
    }),
  );
});
