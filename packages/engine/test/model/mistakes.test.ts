import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { mistaken, mistakes } from './mistakes.ts';

test.for(mistakes)('that $name can still be tried: npm run mistakes', async (mistake) => {
  const source = await readFile(new URL(`../../../${mistake.file}`, import.meta.url), 'utf8');
  expect(mistaken(source, mistake)).not.toBe(source);
});
