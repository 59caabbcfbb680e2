import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KnitServer } from '../../e2e/knit-server.ts';
import { hasPodman, PodmanService } from '../../packages/drivers/test/docker/podman-service.ts';
import type { Figure } from '../figure.ts';

const rounds = 15;
const image = 'knit-bench:v1';
const clock = ['date', '+%s%N'];

/** A push is acknowledged → the container of the Run that it starts says that it runs; beside `podman run`, by turns. */
export const containerHop: Figure = {
  name: 'container-hop',
  what: `push acknowledged → the next Run's container started ÷ podman run → its container started, ${rounds} times`,
  unit: '×',
  goal: '≤ 1.3',
  meets: (value) => value <= 1.3,
  async measure() {
    if (!hasPodman) return { values: [], comparedWith: 'not measured: this machine has no Podman' };
    await using podman = await PodmanService.start();
    podman.image(image);
    await using server = await KnitServer.start({
      options: ['--driver', 'docker', '--container-network', 'none'],
      environment: { DOCKER_HOST: podman.address },
    });
    const source = await mkdtemp(join(tmpdir(), 'knit-bench-'));
    await writeFile(join(source, 'file'), 'one line\n');
    const planId = await server.register({
      image,
      entrypoint: clock,
      inputs: [{ path: '/in', tags: ['bench:container-hop'] }],
      outputs: [{ path: '/out', tags: [] }],
      log: { tags: [] },
    });
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const begun = now();
      const bare = startedAt(podman.podman('run', '--rm', '--network', 'none', image, ...clock)) - begun;
      const knitId = await server.push(source, 'bench:container-hop');
      const acknowledged = now();
      const runs = await server.finished(planId, round + 1);
      const run = runs.find((each) => each.inputs.some((input) => input.knitId === knitId));
      const hop = startedAt(await server.log(run?.runId ?? '')) - acknowledged;
      // The first ones are the warm-up.
      if (round === 0) continue;
      ours.push(hop);
      theirs.push(bare);
    }
    await rm(source, { recursive: true });
    const mean = (list: number[]) => (list.reduce((sum, each) => sum + each, 0) / list.length).toFixed(0);
    const values = ours.map((each, round) => each / (theirs[round] ?? Number.NaN));
    return { values, comparedWith: `podman run: ${mean(theirs)} ms, knit ${mean(ours)} ms` };
  },
};

const now = (): number => performance.timeOrigin + performance.now();

/** Milliseconds of the clock that `date` has read as the container's process. */
const startedAt = (said: string): number => Number(BigInt(said.trim()) / 1000n) / 1000;
