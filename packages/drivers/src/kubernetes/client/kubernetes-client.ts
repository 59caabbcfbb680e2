import type { IncomingMessage } from 'node:http';
import { NotFound } from '@knitfab/core';
import type { ListMeta } from 'kubernetes-types/meta/v1.js';
import { ApiConnection } from './api-connection.ts';
import { Expired } from './api-error.ts';
import { type ClusterAccess, inClusterAccess, isInCluster } from './cluster-access.ts';
import { findKubeconfig, kubeconfigAccess } from './kubeconfig.ts';
import { type KubernetesObject, type ResourceType, resourcePath } from './resource-type.ts';
import { type WatchEvent, watchEvents } from './watch-events.ts';

/** Which objects of a kind. Source: Kubernetes, "Labels and Selectors", "Field Selectors". */
export interface Selection {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface Listing<T> {
  readonly items: T[];
  /** The state that was listed; a watch goes on from here. */
  readonly resourceVersion: string;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string };
}

const pageSize = 500;

/**
 * A thin client of the Kubernetes API: JSON in, JSON out. Every call throws core's errors: `NotFound`, `Conflict` (there is one
 * already, or it has changed), `Invalid`, and `Unavailable` for the rest, such as a permission that is missing.
 *
 * @example
 * const client = await openKubernetesClient();
 * const { items } = await client.list(pods, 'knitfab', { labelSelector: 'app.kubernetes.io/component=worker' });
 */
export class KubernetesClient {
  /** The namespace that the credentials name, if they do. */
  readonly namespace: string | undefined;
  readonly #connection: ApiConnection;

  constructor(access: ClusterAccess) {
    this.namespace = access.namespace;
    this.#connection = new ApiConnection(access);
  }

  async get<T extends KubernetesObject>(
    type: ResourceType<T>,
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<T> {
    return await this.#connection.json<T>({
      what: `read the ${type.kind} ${name}`,
      method: 'GET',
      path: resourcePath(type, namespace, name),
      ...(signal && { signal }),
    });
  }

  /** As `get`, and undefined when there is none. */
  async find<T extends KubernetesObject>(
    type: ResourceType<T>,
    namespace: string,
    name: string,
  ): Promise<T | undefined> {
    try {
      return await this.get(type, namespace, name);
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  /** All objects, page by page; listed anew when a page comes too late. */
  async list<T extends KubernetesObject>(
    type: ResourceType<T>,
    namespace: string,
    selection: Selection = {},
    signal?: AbortSignal,
  ): Promise<Listing<T>> {
    const items: T[] = [];
    let page: string | undefined;
    let limit: number | undefined = pageSize;
    for (;;) {
      try {
        const answer: { items: T[]; metadata: ListMeta } = await this.#connection.json({
          what: `list ${type.plural}`,
          method: 'GET',
          path: resourcePath(type, namespace),
          query: { ...selection, limit, continue: page },
          ...(signal && { signal }),
        });
        items.push(...answer.items);
        page = answer.metadata.continue;
        if (!page) return { items, resourceVersion: answer.metadata.resourceVersion ?? '' };
      } catch (error) {
        if (!(error instanceof Expired) || limit === undefined) throw error;
        items.length = 0;
        page = limit = undefined;
      }
    }
  }

  /** @throws {Conflict} when there is one of that name */
  async create<T extends KubernetesObject>(type: ResourceType<T>, namespace: string, object: T): Promise<T> {
    return await this.#connection.json<T>({
      what: `create the ${type.kind} ${object.metadata?.name ?? object.metadata?.generateName ?? ''}`,
      method: 'POST',
      path: resourcePath(type, namespace),
      body: { apiVersion: type.apiVersion, kind: type.kind, ...object },
    });
  }

  /** Changes what the patch names: a JSON merge patch (RFC 7386), or with an array a JSON patch (RFC 6902). */
  async patch<T extends KubernetesObject>(
    type: ResourceType<T>,
    namespace: string,
    name: string,
    patch: object,
  ): Promise<T> {
    return await this.#connection.json<T>({
      what: `change the ${type.kind} ${name}`,
      method: 'PATCH',
      path: resourcePath(type, namespace, name),
      body: patch,
      contentType: Array.isArray(patch) ? 'application/json-patch+json' : 'application/merge-patch+json',
    });
  }

  /** Asks for an object's end. @returns whether there was one */
  async delete<T extends KubernetesObject>(
    type: ResourceType<T>,
    namespace: string,
    name: string,
    options: DeleteOptions = {},
  ): Promise<boolean> {
    try {
      await this.#connection.json({
        what: `delete the ${type.kind} ${name}`,
        method: 'DELETE',
        path: resourcePath(type, namespace, name),
        body: { apiVersion: 'v1', kind: 'DeleteOptions', ...options },
      });
      return true;
    } catch (error) {
      if (error instanceof NotFound) return false;
      throw error;
    }
  }

  /**
   * Changes of objects since a listing, as they happen. Ends when the server ends it, within about a minute: go on from the last
   * `resourceVersion` then. Bookmarks move it on while nothing happens.
   * @throws {Expired} when that state is too old: list again
   */
  watch<T extends KubernetesObject>(
    type: ResourceType<T>,
    namespace: string,
    { signal, ...options }: Selection & { resourceVersion: string; signal?: AbortSignal },
  ): AsyncGenerator<WatchEvent<T>> {
    const open = (query: Record<string, string | number | boolean>, ended: AbortSignal) =>
      this.#connection.open({
        what: `watch ${type.plural}`,
        method: 'GET',
        path: resourcePath(type, namespace),
        query: { ...options, ...query },
        isLasting: true,
        signal: ended,
      });
    return watchEvents<T>(open, signal);
  }

  /** What a path below an object gives as it comes, such as the `log` of a Pod. */
  async stream<T extends KubernetesObject>(
    type: ResourceType<T>,
    namespace: string,
    name: string,
    subresource: string,
    query: Readonly<Record<string, string | number | boolean | undefined>> = {},
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    return await this.#connection.open({
      what: `read the ${subresource} of the ${type.kind} ${name}`,
      method: 'GET',
      path: `${resourcePath(type, namespace, name)}/${subresource}`,
      query,
      isLasting: true,
      ...(signal && { signal }),
    });
  }

  /** Closes all connections. */
  close(): void {
    this.#connection.close();
  }
}

/**
 * A client with this Pod's service account, or outside a cluster with the kubeconfig that KUBECONFIG names (else ~/.kube/config).
 * @throws {Unavailable} {Invalid} when there are no credentials
 */
export async function openKubernetesClient(): Promise<KubernetesClient> {
  const kubeconfig = findKubeconfig();
  if (process.env.KUBECONFIG === undefined && isInCluster()) return new KubernetesClient(inClusterAccess());
  if (kubeconfig === undefined) {
    throw new NotFound({
      reason: 'there is no kubeconfig, and this process does not run in a Pod',
      advice: 'Set KUBECONFIG to the file of a cluster.',
    });
  }
  return new KubernetesClient(await kubeconfigAccess(kubeconfig));
}
