import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { hasPodman, PodmanService } from '../packages/drivers/test/docker/podman-service.ts';
import { KnitServer } from './knit-server.ts';

const digits = fileURLToPath(new URL('../examples/digits', import.meta.url));

test.skipIf(!hasPodman)(
  'docs/tutorial-containers.md: a pipeline in an image of one’s own trains models that read digits',
  { timeout: 180_000 },
  async () => {
    await using podman = await PodmanService.start();
    // What Node's own image is for the Dockerfile: this machine can't pull it.
    podman.image('docker.io/library/node:24-slim', { extra: [process.execPath] });
    podman.podman('build', '--quiet', '--tag', 'digits:v1', digits);
    await using server = await KnitServer.start({
      options: ['--container-network', 'none'],
      environment: { DOCKER_HOST: podman.address },
    });
    const place = await mkdtemp(join(tmpdir(), 'knit-digits-'));
    execFileSync(process.execPath, [join(digits, 'digits.mjs'), place]);
    const knit = async (...args: string[]) => {
      const { code, stdout, stderr } = await server.knit(...args);
      expect(code, stderr).toBe(0);
      return stdout;
    };
    const tagged = (type: string) => ['-t', 'project:digits', '-t', `type:${type}`];
    const plans: string[] = [];
    for (const plan of ['1-split', '2-train', '3-evaluate'])
      plans.push(JSON.parse(await knit('plan', 'apply', join(digits, `plans/${plan}.yaml`))).planId);
    const params = ['plain', 'strong'].map((name) => join(digits, 'params', name));
    await knit('data', 'push', ...tagged('params'), '-n', ...params);
    await knit('data', 'push', ...tagged('images'), '-n', join(place, 'batch-1'));
    const runs = await server.finished(plans[2] ?? '', 2, 100);
    expect(runs.map(({ status }) => status)).toEqual(['done', 'done']);
    for (const { outputs } of runs) {
      await knit('data', 'pull', '-x', outputs[0]?.knitId ?? '', place);
      const metrics = await readFile(join(place, outputs[0]?.knitId ?? '', 'metrics.json'), 'utf8');
      expect(JSON.parse(metrics).accuracy).toBeGreaterThan(0.88);
    }
    await rm(place, { recursive: true });
  },
);
