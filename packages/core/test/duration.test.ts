import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration } from '../src/index.ts';
import { expectInvalid } from './refusals.ts';

// The expected values of both tables are those of Go's time.ParseDuration, but that Go also takes 0 and what is below.

describe('a duration as Go writes it', () => {
  test.each([
    ['300ms', 300],
    ['1.5h', 5_400_000],
    ['2h45m', 9_900_000],
    ['24h0m0s', 86_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['+5m', 300_000],
    ['1h1h', 7_200_000],
    ['1s1h', 3_601_000],
    ['1ns', 1e-6],
    ['1us', 1e-3],
    ['1µs', 1e-3],
    ['1μs', 1e-3],
    ['1m1ms', 60_001],
    ['0h0.001s', 1],
    ['0010s', 10_000],
    ['2562047h47m16.854s', 9_223_372_036_854],
  ])('%s lasts %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBeCloseTo(milliseconds, 9);
  });

  test.each([
    '',
    ' ',
    '3',
    '1.5',
    's',
    '.s',
    '+',
    '++5m',
    '-1s',
    '+-1s',
    '1h-1m',
    '1 h',
    '1h 2m',
    '1h, 2m',
    '1d',
    '1H',
    '1hh',
    '1.5.5s',
    '1e3s',
    '0x1s',
    '١s',
    '2562048h',
    `${'9'.repeat(400)}h`,
  ])('%j is none', (text) => {
    expectInvalid(() => parseDuration(text), /is not a positive duration$/);
  });

  test.each(['0', '0s', '+0s', '0h0m', '.0s'])('%s is not positive', (text) => {
    expectInvalid(() => parseDuration(text));
  });
});

test('the parts of a duration add up, in any order', () => {
  const nanoseconds = {
    ns: 1n,
    us: 1_000n,
    ms: 1_000_000n,
    s: 10n ** 9n,
    m: 60n * 10n ** 9n,
    h: 3600n * 10n ** 9n,
  };
  // Six parts of so many hours are just below the longest duration.
  const part = fc.tuple(fc.nat(400_000), fc.constantFrom(...Object.entries(nanoseconds)));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), (parts) => {
      const sum = parts.reduce((total, [amount, [, unit]]) => total + BigInt(amount) * unit, 0n);
      fc.pre(sum > 0n);
      const milliseconds = parseDuration(parts.map(([amount, [unit]]) => `${amount}${unit}`).join(''));
      expect(milliseconds / (Number(sum) / 1e6)).toBeCloseTo(1, 12);
    }),
  );
});
