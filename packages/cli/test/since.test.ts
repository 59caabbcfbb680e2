import { Invalid } from '@knitfab/core';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSince } from '../src/options/since.ts';

describe('--since', () => {
  const zone = process.env.TZ;
  beforeEach(() => {
    process.env.TZ = 'Asia/Tokyo';
  });
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  it.each([
    ['2024-03-06', '2024-03-05T15:00:00Z'],
    ['2024-03-06T09', '2024-03-06T00:00:00Z'],
    ['2024-03-06 09:25', '2024-03-06T00:25:00Z'],
    ['2024-03-06T09:25:16', '2024-03-06T00:25:16Z'],
    ['2024-03-06T09:25:16.123456789', '2024-03-06T00:25:16.123456789Z'],
  ])('reads %s as local time', (text, expected) => {
    expect(parseSince(text)).toBe(expected);
  });

  it.each([
    ['2024-03-06T09Z', '2024-03-06T09:00:00Z'],
    ['2024-03-06 09:25+05:30', '2024-03-06T09:25:00+05:30'],
    ['2024-03-06T09:25:16.5-08:00', '2024-03-06T09:25:16.5-08:00'],
    ['2024-03-06+09:00', '2024-03-06T00:00:00+09:00'],
  ])('keeps the offset of %s', (text, expected) => {
    expect(parseSince(text)).toBe(expected);
  });

  it.each([
    '',
    'yesterday',
    '2024',
    '2024-03',
    '2024-02-30',
    '2024-03-06T25',
    '2024-03-06T09:',
    '2024-03-06T09:25:16.',
  ])('refuses %j', (text) => {
    expect(() => parseSince(text)).toThrow(Invalid);
  });

  it('means the same instant, however far a time is written out', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1990-01-01'), max: new Date('2090-01-01'), noInvalidDate: true }),
        (date) => {
          expect(new Date(parseSince(date.toISOString())).getTime()).toBe(date.getTime());
        },
      ),
    );
  });
});
