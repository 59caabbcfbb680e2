import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkedResources, parseQuantity } from '../src/index.ts';
import { expectInvalid } from './refusals.ts';

describe('a Kubernetes quantity', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['+1', 1],
    ['1.5', 1.5],
    ['1.', 1],
    ['.5', 0.5],
    ['500m', 0.5],
    ['100n', 1e-7],
    ['3u', 3e-6],
    ['1k', 1000],
    ['1Ki', 1024],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['256Mi', 2 ** 28],
    ['2e3', 2000],
    ['2E3', 2000],
    ['2e-3', 0.002],
    ['2e+3', 2000],
    ['1E', 1e18],
    ['1Ei', 2 ** 60],
    ['007', 7],
  ])('%s is %d', (text, value) => {
    expect(parseQuantity(text)).toBeCloseTo(value, 12);
  });

  test.each([
    ...['', ' ', 'm', '.', '1,5', '1 Gi', ' 1', '1\n', '1_000', '0x10', 'NaN', 'Infinity', '١'],
    ...['-1', '--1', '1K', '1mi', '1gi', '1KiB', '1MB', '1e', '1eM', '1e3Mi', '1.5.5', '1mm'],
  ])('%j is none', (text) => {
    expectInvalid(() => parseQuantity(text), /is not a quantity$/);
  });

  test('is its number times its suffix, exactly to the precision of a double', () => {
    const powers = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
    const binaryPowers = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
    const factors = [
      ...Object.entries(powers).map(([suffix, power]) => ({ suffix, factor: Number(`1e${power}`) })),
      ...Object.entries(powers).map(([, power]) => ({ suffix: `e${power}`, factor: Number(`1e${power}`) })),
      ...Object.entries(binaryPowers).map(([suffix, power]) => ({ suffix, factor: 2 ** power })),
    ];
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(999),
        fc.constantFrom(...factors),
        (whole, fraction, { suffix, factor }) => {
          fc.pre(whole > 0);
          const value = parseQuantity(`${whole}.${String(fraction).padStart(3, '0')}${suffix}`);
          expect(value / ((whole + fraction / 1000) * factor)).toBeCloseTo(1, 12);
        },
      ),
    );
  });
});

describe('resources', () => {
  test.each(['cpu', 'memory', 'ephemeral-storage', 'nvidia.com/gpu', 'example.com/Tpu_v4.2', 'a'.repeat(63)])(
    '%s is a name of one',
    (name) => {
      expect(checkedResources({ [name]: '1' })).toEqual({ [name]: '1' });
    },
  );

  test.each([
    ...[
      '',
      ' cpu',
      'my gpu',
      '-cpu',
      'cpu-',
      'a/b/c',
      '/gpu',
      'nvidia.com/',
      'Nvidia.com/gpu',
      'a..b/gpu',
      'メモリ',
    ],
    ...['a'.repeat(64), `${'a'.repeat(254)}/gpu`],
  ])('%j is none', (name) => {
    expectInvalid(() => checkedResources({ [name]: '1' }), /is not the name of a resource$/);
  });

  test('each amount has to be a quantity', () => {
    expectInvalid(() => checkedResources({ cpu: '1', memory: 'lots' }), /"lots" is not a quantity/);
  });
});
