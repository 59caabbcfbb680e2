import { expect } from 'vitest';
import { Invalid } from '../src/index.ts';

/** Expects `Invalid` with a sentence that fits `reason`. */
export function expectInvalid(act: () => unknown, reason = /./): void {
  expect(act).toThrow(Invalid);
  expect(act).toThrow(expect.objectContaining({ reason: expect.stringMatching(reason) }));
}
