import { mkdtempSync, realpathSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyTree } from '@knitfab/archive';
import { afterAll } from 'vitest';

const made: string[] = [];

/** A new directory that goes away after the tests of this file. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'knit-archive-'));
  made.push(directory);
  return directory;
}

afterAll(async () => {
  for (const directory of made) {
    await emptyTree(directory);
    await rmdir(directory);
  }
});
