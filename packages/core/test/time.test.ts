import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalTime, formatTime, parseInstant } from '../src/index.ts';
import { expectInvalid } from './refusals.ts';

const canonical = (text: string): string => canonicalTime(parseInstant(text));
const pad = (number: number, width: number): string => String(number).padStart(width, '0');

describe('an RFC 3339 time', () => {
  test.each([
    ['2024-03-06T09:25:16Z', '2024-03-06T09:25:16.000+00:00'],
    ['2024-03-06t09:25:16z', '2024-03-06T09:25:16.000+00:00'],
    ['2024-03-06 09:25:16+00:00', '2024-03-06T09:25:16.000+00:00'],
    ['2024-03-06T18:25:16+09:00', '2024-03-06T09:25:16.000+00:00'],
    ['2024-03-06T00:25:16-09:30', '2024-03-06T09:55:16.000+00:00'],
    ['2024-03-06T09:25:16-00:00', '2024-03-06T09:25:16.000+00:00'],
    ['2024-01-01T00:30:00+01:00', '2023-12-31T23:30:00.000+00:00'],
    ['2024-03-06T09:25:16.5Z', '2024-03-06T09:25:16.500+00:00'],
    ['2024-03-06T09:25:16.123456789Z', '2024-03-06T09:25:16.123456789+00:00'],
    ['2024-03-06T09:25:16.123456780Z', '2024-03-06T09:25:16.12345678+00:00'],
    ['2024-03-06T09:25:16.1234567891234Z', '2024-03-06T09:25:16.123456789+00:00'],
    ['2024-03-06T09:25:16.000000001Z', '2024-03-06T09:25:16.000000001+00:00'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000+00:00'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00.000+00:00'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000+00:00'],
    ['2017-01-01T08:59:60.25+09:00', '2017-01-01T00:00:00.250+00:00'],
    ['1969-12-31T23:59:59.999999999Z', '1969-12-31T23:59:59.999999999+00:00'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000+00:00'],
    ['0099-12-31T23:59:59Z', '0099-12-31T23:59:59.000+00:00'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000+00:00'],
    ['  2024-03-06T09:25:16Z ', '2024-03-06T09:25:16.000+00:00'],
  ])('%s is the instant %s', (text, instant) => {
    expect(canonical(text)).toBe(instant);
  });

  test.each([
    '',
    'now',
    '2024-03-06',
    '2024-03-06T09:25:16',
    '2024-03-06T09:25Z',
    '24-03-06T09:25:16Z',
    '12024-03-06T09:25:16Z',
    '2024-3-6T09:25:16Z',
    '2024-03-06T09:25:16.Z',
    '2024-03-06T09:25:16,5Z',
    '2024-03-06T09:25:16+0900',
    '2024-03-06T09:25:16+24:00',
    '2024-03-06T09:25:16+09:60',
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-01-00T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:61Z',
    '２０２４-01-01T00:00:00Z',
  ])('%j is none', (text) => {
    expectInvalid(() => parseInstant(text), /is not a time$/);
  });

  test.each(['0000-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01'])(
    '%s, in a year of UTC that RFC 3339 can not write, has no spelling',
    (text) => {
      expectInvalid(() => canonical(text), /years/);
    },
  );
});

describe('the one spelling of an instant', () => {
  const date = fc.date({
    min: new Date('0000-01-03T00:00:00Z'),
    max: new Date('9999-12-29T00:00:00Z'),
    noInvalidDate: true,
  });
  const nanoseconds = fc.nat(999_999);
  const offset = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });

  /** Writes an instant with an offset, by arithmetic of its own. */
  function written(date: Date, nanoseconds: number, offset: number): string {
    const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
    const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
    return `${local}${pad(nanoseconds, 6)}${offset < 0 ? '-' : '+'}${pad(hours, 2)}:${pad(minutes, 2)}`;
  }

  test('is the same for every offset that it can be written with', () => {
    fc.assert(
      fc.property(date, nanoseconds, offset, offset, (date, nanoseconds, one, other) => {
        expect(canonical(written(date, nanoseconds, one))).toBe(canonical(written(date, nanoseconds, other)));
      }),
    );
  });

  test('is read back as the same instant, and is its own spelling', () => {
    fc.assert(
      fc.property(date, nanoseconds, offset, (date, nanoseconds, offset) => {
        const instant = { milliseconds: date.getTime(), nanoseconds };
        const text = canonicalTime(instant);
        expect(parseInstant(text)).toEqual(instant);
        expect(parseInstant(written(date, nanoseconds, offset))).toEqual(instant);
        expect(canonical(text)).toBe(text);
      }),
    );
  });

  test('differs for instants that differ', () => {
    fc.assert(
      fc.property(date, nanoseconds, nanoseconds, (date, a, b) => {
        const [one, other] = [a, b].map((nanoseconds) =>
          canonicalTime({ milliseconds: date.getTime(), nanoseconds }),
        );
        expect(one === other).toBe(a === b);
      }),
    );
  });

  test('agrees with what the wire writes for whole milliseconds', () => {
    fc.assert(
      fc.property(date, (date) => {
        expect(canonicalTime({ milliseconds: date.getTime(), nanoseconds: 0 })).toBe(formatTime(date));
      }),
    );
  });
});

test('the wire writes milliseconds and a numeric offset, never Z', () => {
  expect(formatTime(new Date(Date.UTC(2024, 2, 6, 9, 25, 16, 586)))).toBe('2024-03-06T09:25:16.586+00:00');
});
