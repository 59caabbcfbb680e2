import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultRetry, defaultScheduling, defineScheduling, pauseBeforeRetry } from '../src/index.ts';

describe('scheduling', () => {
  test('nothing given is the default: any number at once, priority 0, three retries of what was lost, none of errors', () => {
    expect(defineScheduling({})).toEqual(defaultScheduling);
    expect(defineScheduling({ max_running: null, priority: null, retry: null })).toEqual(defaultScheduling);
    expect(defineScheduling({ retry: { error: 2 } }).retry).toEqual({ ...defaultRetry, error: 2 });
  });

  test.each([
    [{ max_running: 0 }, 'max_running is 0'],
    [{ max_running: 1.5 }, 'max_running is 1.5'],
    [{ priority: 1001 }, 'priority is 1001'],
    [{ priority: Number.NaN }, 'priority is NaN'],
    [{ retry: { lost: -1 } }, 'retry.lost is -1'],
    [{ retry: { error: 101 } }, 'retry.error is 101'],
    [{ retry: { backoff: '2h' } }, 'retry.backoff is 2h'],
    [{ retry: { backoff: '100ns' } }, 'retry.backoff is 100ns'],
    [{ retry: { backoff: 'soon' } }, '"soon" is not a positive duration'],
  ])('%j is refused', (input, reason) => {
    expect(() => defineScheduling(input)).toThrow(reason);
  });
});

describe('retry by cause', () => {
  const retry = { lost: 2, error: 1, backoffMilliseconds: 1000 };

  test('each cause has its own budget', () => {
    expect(pauseBeforeRetry(retry, 'lost', { spent: 1, attempts: 1 })).toBe(2000);
    expect(pauseBeforeRetry(retry, 'lost', { spent: 2, attempts: 2 })).toBeUndefined();
    expect(pauseBeforeRetry(retry, 'error', { spent: 0, attempts: 2 })).toBe(4000);
    expect(pauseBeforeRetry(retry, 'error', { spent: 1, attempts: 1 })).toBeUndefined();
  });

  test('what a user stops is never tried again', () => {
    expect(pauseBeforeRetry(retry, 'user', { spent: 0, attempts: 0 })).toBeUndefined();
  });

  test('pauses grow and stay below an hour', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 3_600_000 }), (attempts, backoffMilliseconds) => {
        const pauseAfter = (failed: number) =>
          pauseBeforeRetry({ ...retry, backoffMilliseconds }, 'error', { spent: 0, attempts: failed }) ?? 0;
        expect(pauseAfter(attempts + 1)).toBeGreaterThanOrEqual(pauseAfter(attempts));
        expect(pauseAfter(attempts)).toBeLessThanOrEqual(3_600_000);
      }),
    );
  });
});
