import type { WorkerState } from '@knitfab/engine';
import type { ContainerStatus } from 'kubernetes-types/core/v1.js';
import type { Job, KubernetesEvent, KubernetesNode, Pod } from '../client/resource-type.ts';
import type { WorkerOptions } from '../options.ts';

/** What is known of a worker at a moment. */
export interface WorkerSight {
  readonly job: Job;
  /** The Job's Pod: there is one at most. */
  readonly pod: Pod | undefined;
  /** Whether the Job has had a Pod, so that none means that it is gone. */
  readonly hasHadPod: boolean;
  /** What happened to the Job, its Pod and the Pod's volumes; read only while the worker does not come to run. */
  readonly events: readonly KubernetesEvent[];
  /** Read only while taints of nodes keep the worker away, and only where that is permitted. */
  readonly nodes?: readonly KubernetesNode[];
  readonly now: Date;
  readonly options: WorkerOptions;
}

/** What a worker's objects say of it. */
export interface Judgement {
  readonly state: WorkerState;
  /** When it is to be judged again though nothing changes: a deadline passes, or an event may have come. */
  readonly lookAgainAt?: Date;
  /** Whether main has ended and its recorder goes on, which is to be told so: it may wait for a main that never opened the pipe. */
  readonly recorderGoesOn?: boolean;
}

export const containerStatus = (pod: Pod, name: string): ContainerStatus | undefined =>
  pod.status?.containerStatuses?.find((status) => status.name === name);

export const condition = (pod: Pod, type: string) =>
  pod.status?.conditions?.find((each) => each.type === type);

/** The time of a Kubernetes object's field, and undefined when it is not set. */
export const timeOf = (text: string | undefined): Date | undefined =>
  text === undefined ? undefined : new Date(text);

export const after = (since: Date | string, seconds: number): Date =>
  new Date(new Date(since).getTime() + seconds * 1000);
