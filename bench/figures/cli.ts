import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownTarget } from '../../scripts/release/targets.ts';
import { run, seconds } from '../commands.ts';
import type { Figure, Measurement } from '../figure.ts';

const rounds = 50;
const path = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));

/** How long the shortest command takes: the released executable's, by turns with a program that does nothing. */
export const cli: Figure = {
  name: 'cli',
  what: '`knit version`, released executable',
  unit: 'ms',
  goal: '≤ 20',
  meets: (value) => value <= 20,
  async measure() {
    const target = ownTarget();
    if (target === undefined) throw new Error('There is no release for this platform.');
    const directory = await mkdtemp(join(tmpdir(), 'knit-bench-'));
    try {
      await run([
        process.execPath,
        path('scripts/release.ts'),
        '--target',
        target.name,
        '--output',
        directory,
      ]);
      return await compared(join(directory, target.file));
    } finally {
      await rm(directory, { recursive: true });
    }
  },
};

async function compared(executable: string): Promise<Measurement> {
  const fromSources: number[] = [];
  const floor: number[] = [];
  const values: number[] = [];
  await run([executable, 'version']); // so that its file is in memory
  for (let round = 0; round < rounds; round++) {
    values.push(1000 * (await seconds([executable, 'version'])));
    fromSources.push(1000 * (await seconds([process.execPath, path('packages/cli/bin/knit.js'), 'version'])));
    floor.push(1000 * (await seconds(['true'])));
  }
  return {
    values,
    comparedWith: `node knit.js version: ${middle(fromSources)} ms, true: ${middle(floor)} ms`,
  };
}

const middle = (values: number[]): string =>
  (values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN).toFixed(1);
