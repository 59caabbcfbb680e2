import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KnitServer } from '../../e2e/knit-server.ts';
import type { Figure } from '../figure.ts';

const [left, right] = [40, 50];

/** Independent trivial Runs, all ready to go at once: from the moment that they may start until the last one is done. */
export const throughput: Figure = {
  name: 'throughput',
  what: `${left * right} independent trivial Runs`,
  unit: 'Runs/s',
  goal: '≥ 40',
  meets: (value) => value >= 40,
  async measure() {
    await using server = await KnitServer.start();
    const source = await mkdtemp(join(tmpdir(), 'knit-bench-'));
    await writeFile(join(source, 'file'), 'one line\n');
    for (let nr = 0; nr < left; nr++) await server.push(source, 'bench:left');
    for (let nr = 0; nr < right; nr++) await server.push(source, 'bench:right');
    const planId = await server.register({
      image: 'host:throughput',
      entrypoint: ['cp', '/left/file', '/out/file'],
      inputs: [
        { path: '/left', tags: ['bench:left'] },
        { path: '/right', tags: ['bench:right'] },
      ],
      outputs: [{ path: '/out', tags: ['bench:out'] }],
      resources: { cpu: '250m', memory: '64Mi' },
      active: false,
    });
    await server.client.activatePlan(planId);
    const begun = Date.now();
    const runs = await server.finished(planId, left * right, 1000);
    const ended = Math.max(...runs.map((run) => Date.parse(run.updatedAt)));
    const failed = runs.filter((run) => run.status !== 'done').length;
    if (failed > 0) throw new Error(`${failed} Runs failed`);
    await rm(source, { recursive: true });
    return { values: [(left * right) / ((ended - begun) / 1000)] };
  },
};
