import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KnitServer } from '../../e2e/knit-server.ts';
import type { Figure } from '../figure.ts';

const rounds = 30;

/** A push is acknowledged → the process of the Run that it starts says that it runs. */
export const hop: Figure = {
  name: 'hop',
  what: `push acknowledged → the next Run's process started, ${rounds} times`,
  unit: 'ms',
  goal: '≤ 50',
  meets: (value) => value <= 50,
  async measure() {
    await using server = await KnitServer.start();
    const source = await mkdtemp(join(tmpdir(), 'knit-bench-'));
    await writeFile(join(source, 'file'), 'one line\n');
    const planId = await server.register({
      image: 'host:hop',
      entrypoint: ['date', '+%s%N'],
      inputs: [{ path: '/in', tags: ['bench:hop'] }],
      log: { tags: [] },
    });
    const values: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const knitId = await server.push(source, 'bench:hop');
      const acknowledged = performance.timeOrigin + performance.now();
      const runs = await server.finished(planId, round + 1);
      const run = runs.find((each) => each.inputs.some((input) => input.knitId === knitId));
      const log = await server.log(run?.runId ?? '');
      const started = Number(BigInt(log.trim()) / 1000n) / 1000;
      // The first one is the warm-up.
      if (round > 0) values.push(started - acknowledged);
    }
    await rm(source, { recursive: true });
    return { values, comparedWith: "the clock that `date` read as the Run's process" };
  },
};
