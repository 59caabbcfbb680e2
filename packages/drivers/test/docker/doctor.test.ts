import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Drivers, examine } from '@knitfab/engine';
import { openStore, type Store } from '@knitfab/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../../store/test/database.ts';
import { LocalTransfers } from '../../src/local/transfers.ts';
import { Contained } from './contained.ts';
import { hasPodman, PodmanService } from './podman-service.ts';

describe.skipIf(!hasPodman)('what a crash has left of containers', () => {
  let podman: PodmanService;
  let contained: Contained;
  let store: Store;

  beforeAll(async () => {
    store = openStore({ connectionString: await freshDatabase() });
    podman = await PodmanService.start();
    podman.image('knit-test:v1');
    contained = await Contained.open(podman);
  });
  afterAll(async () => {
    await contained?.close();
    await podman?.[Symbol.asyncDispose]();
    await store?.close();
  });

  /** Names of the workers that are left over. */
  const strays = async (fix: boolean): Promise<string[]> => {
    const { volumes, workers } = contained;
    const drivers: Drivers = { volumes, workers, transfers: new LocalTransfers(volumes) };
    const findings = await examine(store, drivers, { fix });
    const breaches = findings.find(({ invariant }) => invariant === 'stray workers')?.breaches ?? [];
    return breaches.map(({ subject }) => subject).sort();
  };
  const containers = () => podman.podman('ps', '--all', '--format={{.Names}}').split('\n').filter(Boolean);
  const record = (name: string) => join(contained.directory, 'containers', name);

  it('is named by the doctor and removed when asked for: containers, records, and what has both, but nothing of other servers', async () => {
    const sleep = ['sleep', '1000'];
    const [both, onlyContainer, onlyRecord] = await Promise.all([
      contained.start(sleep),
      contained.start(sleep),
      contained.start(sleep),
    ]);
    for (const spec of [both, onlyContainer, onlyRecord]) await contained.until(spec, 'running');
    rmSync(record(onlyContainer.name), { recursive: true });
    podman.podman('rm', '--force', '--time=0', onlyRecord.name);
    const emptyRecord = `worker-run-${randomUUID()}`;
    mkdirSync(record(emptyRecord));
    const foreign = `worker-run-${randomUUID()}`;
    const foreignLabels = ['--label=knit.server=another', `--label=knit.worker=${foreign}`];
    podman.podman('create', `--name=${foreign}`, ...foreignLabels, 'knit-test:v1', ...sleep);

    const left = [both.name, onlyContainer.name, onlyRecord.name, emptyRecord].sort();
    expect(await strays(false)).toEqual(left);
    expect(containers().sort()).toEqual([both.name, onlyContainer.name, foreign].sort());
    expect(await strays(true)).toEqual(left);
    expect(await strays(false)).toEqual([]);
    expect(containers()).toEqual([foreign]);
    expect(await contained.workers.list()).toEqual([]);
  }, 60_000);

  it('is told of as far as records go while the engine is away', async () => {
    const spec = await contained.start(['sleep', '1000']);
    await contained.until(spec, 'running');
    await podman.down('SIGKILL');
    expect(await strays(false)).toEqual([spec.name]);
    await podman.up();
    expect(await strays(true)).toEqual([spec.name]);
    expect(await contained.workers.list()).toEqual([]);
  }, 60_000);
});
