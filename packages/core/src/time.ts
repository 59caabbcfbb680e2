import { Invalid } from './errors.ts';
import { shorten } from './text.ts';

const rfc3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})$/;

/** An instant, finer than `Date`: whole milliseconds since the epoch, and the nanoseconds beyond them (0–999,999). */
export interface Instant {
  readonly milliseconds: number;
  readonly nanoseconds: number;
}

/**
 * Reads a time as RFC 3339 writes it, any offset, up to nanoseconds (further digits are cut off).
 * @throws {Invalid} when it is not RFC 3339 or no real date
 */
export function parseInstant(text: string): Instant {
  const match = rfc3339.exec(text.trim());
  if (match === null) throw notATime(text);
  const [, year, month, day, hour, minute, second, fraction = '', offset = 'Z'] = match;
  const nanos = Number(fraction.padEnd(9, '0'));
  const wholeMillis = Math.floor(nanos / 1_000_000);
  const leap = second === '60'; // RFC 3339 allows a leap second; it is the first instant of the next minute
  // Unlike Date.UTC, setUTCFullYear takes the years 0 to 99 as they are.
  const check = new Date(0);
  check.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  check.setUTCHours(Number(hour), Number(minute), leap ? 59 : Number(second), wholeMillis);
  const real =
    check.getUTCFullYear() === Number(year) &&
    check.getUTCMonth() === Number(month) - 1 &&
    check.getUTCDate() === Number(day) &&
    check.getUTCHours() === Number(hour) &&
    check.getUTCMinutes() === Number(minute) &&
    (leap || check.getUTCSeconds() === Number(second));
  if (!real) throw notATime(text);
  return {
    milliseconds: check.getTime() + (leap ? 1000 : 0) - offsetMinutes(text, offset) * 60_000,
    nanoseconds: nanos % 1_000_000,
  };
}

function offsetMinutes(text: string, offset: string): number {
  if (offset === 'Z' || offset === 'z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(4, 6));
  if (hours > 23 || minutes > 59) throw notATime(text);
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

function notATime(text: string): Invalid {
  return new Invalid({
    reason: `"${shorten(text)}" is not a time`,
    advice: 'Write it as RFC 3339: 2024-03-06T09:25:16.586+00:00',
  });
}

/** Writes an instant the way the wire wants it: milliseconds and a numeric offset, never `Z` (spec page 2). */
export function formatTime(date: Date): string {
  return date.toISOString().replace('Z', '+00:00');
}

/**
 * The one spelling of an instant, so that equal instants are equal strings: UTC, at least milliseconds,
 * finer digits only where they are not zero.
 * @throws {Invalid} when its year in UTC is not one of 0000 to 9999, which RFC 3339 has
 */
export function canonicalTime(instant: Instant): string {
  const finer = String(instant.nanoseconds).padStart(6, '0').replace(/0+$/, '');
  const date = new Date(instant.milliseconds);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw new Invalid('the time is beyond the years 0000 to 9999 of UTC');
  return date.toISOString().replace('Z', `${finer}+00:00`);
}
