import { Unavailable } from '@knitfab/core';
import type { Drivers, TransferDriver } from '@knitfab/engine';
import type { AgentHome } from './agent-home.ts';
import type { KubernetesOptions } from './options.ts';
import type { ImageConfigurations } from './registry/image-configurations.ts';
import { readPullSecrets } from './registry/pull-secrets.ts';
import { ClaimedVolumes } from './volumes.ts';
import { KubernetesWorkers, type ReadWorkerLog } from './workers.ts';

export { checkKubernetesPlan, type KubernetesPlan } from './check-plan.ts';
export { KubernetesClient, openKubernetesClient } from './client/kubernetes-client.ts';
export {
  type AgentOptions,
  defaultWorkerOptions,
  type KubernetesOptions,
  type VolumeOptions,
  type WorkerOptions,
} from './options.ts';

export interface KubernetesDrivers extends Drivers {
  /** Where Data Agents call; there when `agents` was given. */
  readonly agentHome?: AgentHome;
  /** Ends what is under way here. Workers go on. */
  close(): Promise<void>;
}

/**
 * The drivers of the cluster edition. Nothing is watched or loaded until it is used: transfers, and logs of workers that are gone,
 * need `agents`.
 */
export async function openKubernetesDrivers(options: KubernetesOptions): Promise<KubernetesDrivers> {
  const { client, namespace, log, agents } = options;
  const transport = agents && (await openTransport({ ...options, agents }));
  let configurations: ImageConfigurations | undefined;
  const workers = new KubernetesWorkers({
    client,
    namespace,
    options,
    log,
    readImageCommand: async (image, serviceAccount) => {
      configurations ??= await openImageConfigurations(options);
      return await configurations.read(image, serviceAccount);
    },
    readLog: transport?.readLog ?? (() => Promise.reject(noAgents())),
  });
  return {
    volumes: new ClaimedVolumes(client, namespace, options.volumes),
    workers,
    transfers: transport?.transfers ?? noTransfers,
    ...(transport && { agentHome: transport.agentHome }),
    async close() {
      workers.close();
      await transport?.close();
    },
  };
}

/** What only a process needs that starts workers. */
async function openImageConfigurations(options: KubernetesOptions) {
  const { ImageConfigurations } = await import('./registry/image-configurations.ts');
  const { cacert } = options;
  const pullSecrets = (serviceAccount?: string) => readPullSecrets(options, serviceAccount);
  return new ImageConfigurations({ pullSecrets, ...(cacert !== undefined && { cacert }) });
}

/** What only a process needs that moves the contents of volumes. */
async function openTransport(options: KubernetesOptions & Required<Pick<KubernetesOptions, 'agents'>>) {
  const [{ DataAgents }, { KubernetesTransfers }, { workerLog }] = await Promise.all([
    import('./data-agents.ts'),
    import('./transfers.ts'),
    import('./worker-log.ts'),
  ]);
  const agents = new DataAgents(options);
  const transfers = new KubernetesTransfers(agents);
  const { client, namespace, log } = options;
  const readKept = (volume: string, from: number) => transfers.readLog(volume, from);
  const readLog: ReadWorkerLog = (request) => workerLog({ client, namespace, log, readKept }, request);
  return { transfers, readLog, agentHome: agents.home, close: () => agents.close() };
}

const noAgents = () => new Unavailable('this process was opened without Data Agents');

const noTransfers: TransferDriver = {
  read: () => Promise.reject(noAgents()),
  write: () => Promise.reject(noAgents()),
};
