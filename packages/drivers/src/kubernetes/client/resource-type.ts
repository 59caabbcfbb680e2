import type { Job } from 'kubernetes-types/batch/v1.js';
import type {
  Event,
  Node,
  PersistentVolumeClaim,
  Pod,
  Secret,
  ServiceAccount,
} from 'kubernetes-types/core/v1.js';
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';

export type { Job, PersistentVolumeClaim, Pod, Secret };
/** Named apart from the DOM's `Event`. */
export type KubernetesEvent = Event;
export type KubernetesNode = Node;

/** Every object has one. */
export interface KubernetesObject {
  readonly metadata?: ObjectMeta;
}

/** A kind of Kubernetes objects and where the API has it. */
export interface ResourceType<T extends KubernetesObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  /** Whether its objects belong to no namespace. */
  readonly isClusterScoped?: true;
  /** Never set: it ties the kind to the type of its objects. */
  readonly shape?: T;
}

export const pods: ResourceType<Pod> = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
export const jobs: ResourceType<Job> = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
export const events: ResourceType<KubernetesEvent> = { apiVersion: 'v1', kind: 'Event', plural: 'events' };
export const secrets: ResourceType<Secret> = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets' };
export const serviceAccounts: ResourceType<ServiceAccount> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
};
export const volumeClaims: ResourceType<PersistentVolumeClaim> = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
};

export const nodes: ResourceType<KubernetesNode> = {
  apiVersion: 'v1',
  kind: 'Node',
  plural: 'nodes',
  isClusterScoped: true,
};

/** The path of a collection of objects in a namespace, or of one of them. */
export function resourcePath<T extends KubernetesObject>(
  { apiVersion, plural, isClusterScoped }: ResourceType<T>,
  namespace: string,
  name?: string,
): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const within = isClusterScoped ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  const path = `${group}${within}/${plural}`;
  return name === undefined ? path : `${path}/${encodeURIComponent(name)}`;
}
