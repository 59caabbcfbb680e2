import fc from 'fast-check';
import { expect, test } from 'vitest';
import { controlCharacter } from '../src/index.ts';

test.each([
  ['a\0b', 'the control character U+0000'],
  ['a\tb', 'the control character U+0009'],
  ['\x7f', 'the control character U+007F'],
  ['\x85', 'the control character U+0085'],
  ['a\ud83d', 'half of a surrogate pair'],
  ['\udc00\ud83d', 'half of a surrogate pair'],
])('%j holds %s', (text, named) => {
  expect(controlCharacter(text)).toBe(named);
});

test.each(['', 'plain', 'two words', 'é', '日本語', '🖼', '\u00a0\u2028\ufeff'])('%j holds none', (text) => {
  expect(controlCharacter(text)).toBeUndefined();
});

test('a text holds none exactly when no character of it is a control character or half of a pair', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.oneof(fc.string({ unit: 'binary', maxLength: 1 }), fc.constantFrom('\ud800', '\t')),
      }),
      (text) => {
        expect(controlCharacter(text) === undefined).toBe(!/[\p{Cc}\p{Cs}]/u.test(text));
      },
    ),
  );
});
