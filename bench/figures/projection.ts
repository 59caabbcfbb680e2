import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KnitServer } from '../../e2e/knit-server.ts';
import type { Figure } from '../figure.ts';

const side = 100;

/** One push that fits one input of a Plan whose two others have 100 Data each: 10,000 combinations. */
export const projection: Figure = {
  name: 'projection',
  what: `1 push × ${side * side} combinations → as many Runs registered, 3 times`,
  unit: 's',
  goal: '≤ 2',
  meets: (value) => value <= 2,
  async measure() {
    await using server = await KnitServer.start();
    const source = await mkdtemp(join(tmpdir(), 'knit-bench-'));
    await writeFile(join(source, 'file'), 'one line\n');
    for (let nr = 0; nr < side; nr++) {
      await server.push(source, 'bench:b');
      await server.push(source, 'bench:c');
    }
    const planId = await server.register({
      image: 'host:projection',
      entrypoint: ['true'],
      inputs: ['a', 'b', 'c'].map((name) => ({ path: `/${name}`, tags: [`bench:${name}`] })),
      outputs: [{ path: '/out', tags: ['bench:out'] }],
      log: { tags: ['bench:log'] },
      active: false,
    });
    const values: number[] = [];
    for (let round = 0; round < 3; round++) {
      const knitId = await server.push(source, 'bench:a');
      const acknowledged = Date.now();
      // They come all at once: one transaction for each Plan and nomination.
      while ((await server.client.findRuns({ knitIdInput: [knitId] })).length === 0);
      const runs = await server.client.findRuns({ plan: [planId], knitIdInput: [knitId] });
      if (runs.length !== side * side) throw new Error(`${runs.length} Runs were made`);
      values.push((Math.max(...runs.map((run) => Date.parse(run.updatedAt))) - acknowledged) / 1000);
    }
    await rm(source, { recursive: true });
    return { values };
  },
};
