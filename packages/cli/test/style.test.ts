import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localTime, shortTime } from '../src/output/style.ts';

describe('a time in a table', () => {
  const zone = process.env.TZ;
  beforeEach(() => {
    process.env.TZ = 'Asia/Tokyo';
  });
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  it('is local', () => {
    expect(localTime('2024-03-06T16:25:16.586+00:00')).toBe('2024-03-07 01:25:16');
  });

  it('is the time of today, and the day of any other', () => {
    const now = new Date('2024-03-07T03:00:00Z');
    expect(shortTime('2024-03-06T16:25:16.586+00:00', now)).toBe('01:25:16');
    expect(shortTime('2024-03-06T14:59:59.999+00:00', now)).toBe('2024-03-06');
  });
});
