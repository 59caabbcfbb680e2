import type { LoopLog } from '@knitfab/engine';
import type { KubernetesClient } from './client/kubernetes-client.ts';

/** What of the cluster edition's configuration the drivers need. */
export interface KubernetesOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** The image of our own programs in Pods: data-agent, log-recorder, empty-check. */
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Names of Secrets with credentials of registries, for our own image and for users' images. */
  readonly imagePullSecrets: readonly string[];
  readonly volumes: VolumeOptions;
  readonly worker: WorkerOptions;
  /** Needed for transfers only. */
  readonly agents?: AgentOptions;
  /** PEM file of the authority that signed the in-cluster registry's certificate, read whenever it is needed; it may be missing. */
  readonly cacert?: string;
  readonly log: LoopLog;
}

export interface VolumeOptions {
  /** The cluster's default when left out. */
  readonly storageClass?: string;
  /** A quantity, such as `1Gi`. */
  readonly size: string;
  readonly accessMode: 'ReadWriteMany' | 'ReadWriteOnce' | 'ReadWriteOncePod';
  /** How many empty volumes are kept ready for the next Data; none when left out. */
  readonly spare?: number;
  /** How long one of them may take until it is bound; 20 s when left out. */
  readonly bindingSeconds?: number;
}

export interface WorkerOptions {
  readonly priorityClass?: string;
  /** How long a worker may be kept from starting by a mistake: an unknown service account, a container that can't be made. */
  readonly startDeadlineSeconds: number;
  /** How long an image may fail to be pulled. */
  readonly imageDeadlineSeconds: number;
  /** How long a volume may fail to be provisioned or mounted. */
  readonly mountDeadlineSeconds: number;
  /** How long a node may be silent until its workers are lost. */
  readonly nodeLossSeconds: number;
}

export const defaultWorkerOptions: WorkerOptions = {
  startDeadlineSeconds: 300,
  imageDeadlineSeconds: 300,
  mountDeadlineSeconds: 300,
  nodeLossSeconds: 60,
};

export interface AgentOptions {
  /** `http://POD_IP:PORT` of this replica of knitd-backend: agents dial it. */
  readonly address: string;
  /** This replica's Pod: agents that it leaves behind are found by it. */
  readonly pod: { readonly name: string };
  /** How long an agent may take to call: for an image to be pulled, a volume to be made, a node to be found. 300 when left out. */
  readonly startDeadlineSeconds?: number;
}
