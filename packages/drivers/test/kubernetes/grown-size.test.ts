import fc from 'fast-check';
import { expect, test } from 'vitest';
import { grownSize } from '../../src/kubernetes/volume-growth/grown-size.ts';

const gibibyte = 2 ** 30;
const limits = { fullPercent: 80, growPercent: 50, maximumBytes: 100 * gibibyte };
const full = { capacity: 10 * gibibyte, available: gibibyte, requested: 10 * gibibyte, given: 10 * gibibyte };

test('a full volume grows by its share', () => {
  expect(grownSize(full, limits)).toBe(15 * gibibyte);
});

test('a volume with room stays as it is', () => {
  expect(grownSize({ ...full, available: 3 * gibibyte }, limits)).toBeUndefined();
});

test('a volume that is growing already is not asked again', () => {
  expect(grownSize({ ...full, requested: 15 * gibibyte }, limits)).toBeUndefined();
});

test('a volume that shows the room of a whole server is left alone', () => {
  const server = { capacity: 1000 * gibibyte, available: gibibyte };
  expect(grownSize({ ...full, ...server }, limits)).toBeUndefined();
});

test('growth ends at the largest size there may be', () => {
  expect(grownSize(full, { ...limits, maximumBytes: 12 * gibibyte })).toBe(12 * gibibyte);
  expect(grownSize(full, { ...limits, maximumBytes: 10 * gibibyte })).toBeUndefined();
});

test('whatever it is told, a volume never shrinks and never grows beyond the largest size', () => {
  const bytes = fc.integer({ min: 0, max: 2 ** 50 });
  fc.assert(
    fc.property(
      fc.record({ capacity: bytes, available: bytes, requested: bytes, given: bytes }),
      fc.record({
        fullPercent: fc.integer({ min: 1, max: 99 }),
        growPercent: fc.integer({ min: 1, max: 1000 }),
        maximumBytes: bytes,
      }),
      (filling, some) => {
        const size = grownSize(filling, some);
        if (size === undefined) return;
        expect(size).toBeGreaterThan(filling.requested);
        expect(size).toBeLessThanOrEqual(some.maximumBytes);
      },
    ),
  );
});
