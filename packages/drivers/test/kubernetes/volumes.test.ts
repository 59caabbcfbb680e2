import { randomUUID } from 'node:crypto';
import type { KnitId } from '@knitfab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pod, pods, volumeClaims } from '../../src/kubernetes/client/resource-type.ts';
import type { VolumeOptions } from '../../src/kubernetes/options.ts';
import { ClaimedVolumes } from '../../src/kubernetes/volumes.ts';
import { missingCluster, TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const missing = missingCluster();

const options: VolumeOptions = { size: '1Mi', accessMode: 'ReadWriteMany' };

describe.skipIf(missing)(`volumes as PersistentVolumeClaims${missing ? `: ${missing}` : ''}`, () => {
  let cluster: TestCluster;
  let volumes: ClaimedVolumes;

  beforeAll(async () => {
    cluster = await TestCluster.open();
    volumes = new ClaimedVolumes(cluster.client, cluster.namespace, options);
  });
  afterAll(() => cluster?.close());

  it('is asked for at once, is ready when it is bound, and can be asked for again', async () => {
    const name = `data-${randomUUID()}`;
    await volumes.create(name);
    await volumes.create(name);
    expect(await volumes.list()).toContain(name);
    await eventually(async () => expect(await volumes.isReady(name)).toBe(true));
  }, 90_000);

  it('what is missing is destroyed already, and is not ready', async () => {
    await volumes.destroy('never-was');
    expect(await volumes.isReady('never-was')).toBe(false);
  });

  it('is not made again while one of its name is being removed, and then it is', async () => {
    const { client, namespace } = cluster;
    const name = `data-${randomUUID()}`;
    await volumes.create(name);
    await client.create(pods, namespace, sleeperWith(name));
    // From then on its claims are kept for it (Kubernetes, "Storage Object in Use Protection").
    await eventually(async () =>
      expect((await client.get(pods, namespace, 'sleeper')).spec?.nodeName).toBeDefined(),
    );
    await volumes.destroy(name);
    await expect(volumes.create(name)).rejects.toThrow(`the PersistentVolumeClaim ${name} is being removed`);
    expect(await volumes.list()).not.toContain(name);
    await client.delete(pods, namespace, 'sleeper', { gracePeriodSeconds: 0 });
    await eventually(() => volumes.create(name));
  }, 90_000);

  it('is made before anybody needs it, and says whose it is when somebody does', async () => {
    const { client, namespace } = cluster;
    const { make, adopt } = volumes.spares;
    const name = `volume-${randomUUID()}`;
    const knitId = randomUUID() as KnitId;
    await make(name);
    await make(name);
    expect(await volumes.isReady(name)).toBe(true);
    expect(await adopt(name, knitId)).toBe(true);
    const claim = await client.get(volumeClaims, namespace, name);
    expect(claim.metadata?.labels).toMatchObject({ 'knitfab/knit-id': knitId });
    expect(await adopt('volume-of-nobody', knitId)).toBe(false);
  }, 90_000);

  it('that is never bound is no spare volume, and says so', async () => {
    const storageClass = 'there-is-none';
    const never = new ClaimedVolumes(cluster.client, cluster.namespace, {
      ...options,
      storageClass,
      bindingSeconds: 1,
    });
    const name = `volume-${randomUUID()}`;
    await expect(never.spares.make(name)).rejects.toThrow(
      `the PersistentVolumeClaim ${name} was not bound within 1 s`,
    );
    expect(await never.spares.adopt(name, randomUUID() as KnitId)).toBe(false);
  }, 90_000);

  it('tells kinds of spare volumes apart', () => {
    const kindOf = (other: Partial<VolumeOptions>) =>
      new ClaimedVolumes(cluster.client, cluster.namespace, { ...options, ...other }).spares.kind;
    const kinds = [
      {},
      { size: '2Mi' },
      { storageClass: 'other' },
      { accessMode: 'ReadWriteOnce' as const },
    ].map(kindOf);
    expect(new Set(kinds).size).toBe(4);
    expect(kindOf({ spare: 3 })).toBe(kindOf({}));
  });

  it("leaves other people's claims alone", async () => {
    await cluster.makeVolume('somebody-elses');
    expect(await volumes.list()).not.toContain('somebody-elses');
  });
});

const sleeperWith = (claimName: string): Pod => ({
  metadata: { name: 'sleeper' },
  spec: {
    containers: [
      {
        name: 'sleeper',
        image: 'docker.io/library/busybox:1',
        command: ['sleep', '600'],
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
    ],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
  },
});
