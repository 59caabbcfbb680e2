import { expect, it } from 'vitest';
import { byteSize, seconds } from '../src/transfer/sizes.ts';

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1_048_575, '1.0 MiB'],
  [5_000_000_000, '4.7 GiB'],
])('%i bytes are %s', (bytes, words) => {
  expect(byteSize(bytes)).toBe(words);
});

it.each([
  [0, '0.0 s'],
  [9.96, '10 s'],
  [59.6, '1 min 0 s'],
  [125, '2 min 5 s'],
  [7300, '2 h 1 min'],
])('%d seconds are %s', (amount, words) => {
  expect(seconds(amount)).toBe(words);
});
