import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findKubeconfig, kubeconfigAccess } from '../../src/kubernetes/client/kubeconfig.ts';
import { KubernetesClient } from '../../src/kubernetes/client/kubernetes-client.ts';
import { type PersistentVolumeClaim, volumeClaims } from '../../src/kubernetes/client/resource-type.ts';
import { Informer } from '../../src/kubernetes/informer.ts';
import { missingCluster, TestCluster } from './cluster.ts';
import { eventually } from './eventually.ts';

const missing = missingCluster();

const claim = (name: string): PersistentVolumeClaim => ({
  metadata: { name, labels: { group: 'informed' } },
  spec: {
    accessModes: ['ReadWriteMany'],
    storageClassName: 'none',
    resources: { requests: { storage: '1Mi' } },
  },
});

describe.skipIf(missing)(`an informer${missing ? `: ${missing}` : ''}`, () => {
  let cluster: TestCluster;
  let cable: Cable;
  beforeAll(async () => {
    cluster = await TestCluster.open();
    cable = await Cable.lay();
  });
  afterAll(async () => {
    cable?.cut();
    await cable?.remove();
    await cluster?.close();
  });

  it('keeps up with what comes and goes, over a connection that is cut and a server that is away', async () => {
    const { client, namespace } = cluster;
    const complaints: string[] = [];
    const access = await kubeconfigAccess(findKubeconfig() ?? '');
    const far = new KubernetesClient({
      ...access,
      server: new URL(`https://127.0.0.1:${cable.port}`),
      tls: { ...access.tls, rejectUnauthorized: false },
    });
    const informer = new Informer({
      client: far,
      type: volumeClaims,
      namespace,
      selection: { labelSelector: 'group=informed' },
      log: { debug: () => {}, warn: (_, message) => complaints.push(message) },
    });
    const told: string[] = [];
    informer.onChange(({ metadata }) => told.push(metadata?.name ?? ''));
    await client.create(volumeClaims, namespace, claim('before'));
    const end = new AbortController();
    const running = informer.run(end.signal);
    await eventually(() => expect(informer.get('before')).toBeDefined());
    expect(informer.get('before')?.metadata).not.toHaveProperty('managedFields');

    await client.create(volumeClaims, namespace, claim('live'));
    await eventually(() => expect(informer.get('live')).toBeDefined());

    cable.cut();
    await client.create(volumeClaims, namespace, claim('while-away'));
    await client.delete(volumeClaims, namespace, 'before');
    cable.mend();
    await eventually(() => {
      expect(informer.get('while-away')).toBeDefined();
      expect(informer.get('before')).toBeUndefined();
    });
    expect(new Set(told)).toEqual(new Set(['before', 'live', 'while-away']));
    expect(complaints).not.toHaveLength(0);

    end.abort();
    await running;
    expect(informer.isSynced).toBe(false);
    far.close();
  });
});

/** A way to the API server that can be cut. */
class Cable {
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  readonly #server = createServer((socket) => this.#join(socket));
  readonly #target: URL;

  private constructor(target: URL) {
    this.#target = target;
  }

  static async lay(): Promise<Cable> {
    const cable = new Cable((await kubeconfigAccess(findKubeconfig() ?? '')).server);
    await once(cable.#server.listen(0, '127.0.0.1'), 'listening');
    return cable;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async remove(): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(Number(this.#target.port || 443), this.#target.hostname);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
    }
  }
}
