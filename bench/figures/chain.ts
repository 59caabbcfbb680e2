import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KnitServer } from '../../e2e/knit-server.ts';
import type { Figure } from '../figure.ts';

const length = 100;

/** A chain of Plans, each of which uses what the one before it makes. */
export const chain: Figure = {
  name: 'chain',
  what: `a chain of ${length} one-line Plans, per hop, 3 times`,
  unit: 'ms per hop',
  goal: '≤ 100',
  meets: (value) => value <= 100,
  async measure() {
    await using server = await KnitServer.start();
    const source = await mkdtemp(join(tmpdir(), 'knit-bench-'));
    await writeFile(join(source, 'file'), 'one line\n');
    let last = '';
    for (let step = 0; step < length; step++) {
      last = await server.register({
        image: 'host:chain',
        entrypoint: ['cp', '/in/file', '/out/file'],
        inputs: [{ path: '/in', tags: [`step:${step}`] }],
        outputs: [{ path: '/out', tags: [`step:${step + 1}`] }],
      });
    }
    const values: number[] = [];
    for (let round = 1; round <= 3; round++) {
      await server.push(source, 'step:0');
      const acknowledged = Date.now();
      const runs = await server.finished(last, round);
      values.push((Date.parse(runs.at(-1)?.updatedAt ?? '') - acknowledged) / length);
    }
    await rm(source, { recursive: true });
    return { values };
  },
};
