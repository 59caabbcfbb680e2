import { expect, test } from 'vitest';
import { Conflict, Invalid, KnitError, NotFound, Unavailable } from '../src/index.ts';

test.each([
  [Invalid, 'Invalid', 400],
  [NotFound, 'NotFound', 404],
  [Conflict, 'Conflict', 409],
  [Unavailable, 'Unavailable', 503],
])('%o has its name and its HTTP status', (Kind, name, status) => {
  const error = new Kind('it is so');
  expect(error).toBeInstanceOf(KnitError);
  expect(error).toMatchObject({ name, status, message: 'it is so', reason: 'it is so', advice: undefined });
});

test('a failure says what happened, what to do, where to look, and what caused it', () => {
  const cause = new Error('ENOSPC');
  const parts = { reason: 'the disk is full', advice: 'Free some space.', see: '/var', cause };
  const error = new Unavailable(parts);
  expect(error).toMatchObject(parts);
  expect(error.message).toBe('the disk is full\nFree some space.');
});
