import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { LoopLog } from '@knitfab/engine';
import type { AgentHome } from '../../src/kubernetes/agent-home.ts';
import { findKubeconfig, kubeconfigAccess } from '../../src/kubernetes/client/kubeconfig.ts';
import { KubernetesClient } from '../../src/kubernetes/client/kubernetes-client.ts';
import { volumeClaims } from '../../src/kubernetes/client/resource-type.ts';
import { DataAgents } from '../../src/kubernetes/data-agents.ts';
import {
  defaultWorkerOptions,
  type KubernetesDrivers,
  openKubernetesDrivers,
} from '../../src/kubernetes/index.ts';
import { KubernetesTransfers } from '../../src/kubernetes/transfers.ts';

/** The image that Pods of these tests run: it must be on the nodes, or they must be able to pull it. */
export const image = process.env.KNIT_IMAGE ?? 'ghcr.io/opst/knitfab/knitfab:v0.1.0';

/** Why there can be no tests with a cluster here, if so. */
export function missingCluster(): string | undefined {
  if (process.env.KUBECONFIG === undefined) return 'KUBECONFIG names no cluster';
  try {
    execFileSync('kubectl', ['get', 'namespaces'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'kubectl reaches no cluster';
  }
}

/** What went wrong that nobody had to be told of. */
const quiet: LoopLog = { debug: () => {}, warn: () => {} };

/** A namespace of its own in the cluster that KUBECONFIG names, and a home for Data Agents in this process. */
export class TestCluster {
  readonly namespace: string;
  readonly client: KubernetesClient;
  readonly #server: Server;
  readonly #address: string;
  readonly #opened: { readonly home: AgentHome; close(): Promise<void> }[] = [];

  private constructor(client: KubernetesClient, server: Server, address: string, namespace: string) {
    this.client = client;
    this.#server = server.on('request', (request, response) => {
      const which = Number(request.url?.split('/')[1]);
      this.#opened[which]?.home.handle(request, response);
    });
    this.#address = address;
    this.namespace = namespace;
  }

  static async open(): Promise<TestCluster> {
    const access = await kubeconfigAccess(findKubeconfig() ?? '');
    const namespace = `knit-test-${randomBytes(4).toString('hex')}`;
    execFileSync('kubectl', ['create', 'namespace', namespace], { stdio: 'ignore' });
    const server = createServer().listen(0);
    server.requestTimeout = 0;
    await once(server, 'listening');
    // Where this process reaches the cluster from, Pods reach it.
    const host = process.env.KNIT_TEST_ADDRESS ?? (await addressTowards(access.server));
    const address = `http://${host}:${(server.address() as AddressInfo).port}`;
    return new TestCluster(new KubernetesClient(access), server, address, namespace);
  }

  /** @param given other options than the usual ones */
  transfers(given: { image?: string; startDeadlineSeconds?: number } = {}): KubernetesTransfers {
    const { startDeadlineSeconds } = given;
    const agents = new DataAgents({
      ...this.#options(),
      ...(given.image !== undefined && { image: given.image }),
      agents: {
        ...this.#nextHome(),
        ...(startDeadlineSeconds !== undefined && { startDeadlineSeconds }),
      },
    });
    this.#opened.push({ home: agents.home, close: () => agents.close() });
    return new KubernetesTransfers(agents);
  }

  async drivers(): Promise<KubernetesDrivers> {
    const volumes = { size: '1Gi', accessMode: 'ReadWriteMany' } as const;
    const options = { ...this.#options(), volumes, worker: defaultWorkerOptions, agents: this.#nextHome() };
    const drivers = await openKubernetesDrivers(options);
    const { agentHome: home } = drivers;
    if (home === undefined) throw new Error('there is no home for Data Agents');
    this.#opened.push({ home, close: () => drivers.close() });
    return drivers;
  }

  #options() {
    return {
      client: this.client,
      namespace: this.namespace,
      image,
      imagePullPolicy: 'IfNotPresent' as const,
      imagePullSecrets: [],
      log: quiet,
    };
  }

  #nextHome() {
    const which = this.#opened.length;
    return { address: `${this.#address}/${which}`, pod: { name: `backend-${which}` } };
  }

  async makeVolume(name: string): Promise<void> {
    const spec = { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } };
    await this.client.create(volumeClaims, this.namespace, { metadata: { name }, spec });
  }

  async close(): Promise<void> {
    for (const opened of this.#opened) await opened.close();
    this.#server.close().closeAllConnections();
    this.client.close();
    execFileSync('kubectl', ['delete', 'namespace', this.namespace, '--wait=false'], { stdio: 'ignore' });
  }
}

async function addressTowards({ hostname, port }: URL): Promise<string> {
  const socket = connect(Number(port || 443), hostname);
  await once(socket, 'connect');
  const { localAddress = '127.0.0.1' } = socket;
  socket.destroy();
  return localAddress;
}
