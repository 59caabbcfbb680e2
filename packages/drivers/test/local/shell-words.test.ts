import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shellWords } from '../../src/local/shell-words.ts';

it('words are to a shell what they are, whatever characters they have', () => {
  const word = fc
    .string({ unit: 'binary', maxLength: 20 })
    .map((text) => text.replaceAll('\0', '').toWellFormed());
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.constantFrom("'", '"', '\\', '$(id)', '\n', '')), { minLength: 1 }),
      (words) => {
        const output = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${shellWords(words)}`], {
          encoding: 'utf8',
        });
        expect(output.split('\0').slice(0, -1)).toEqual(words);
      },
    ),
    { numRuns: 50 },
  );
});
