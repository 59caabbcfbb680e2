import { setTimeout as sleep } from 'node:timers/promises';
import { KnitError } from '@knitfab/core';
import type { LoopLog } from '@knitfab/engine';
import { Expired } from './client/api-error.ts';
import type { KubernetesClient, Selection } from './client/kubernetes-client.ts';
import type { KubernetesObject, ResourceType } from './client/resource-type.ts';

export interface InformerParts<T extends KubernetesObject> {
  readonly client: KubernetesClient;
  readonly type: ResourceType<T>;
  readonly namespace: string;
  readonly selection: Selection;
  readonly log: LoopLog;
}

/** All is listed anew so often, for whatever a watch may have missed. */
const resyncMilliseconds = 600_000;

/** Pauses after failures; they double. */
const firstPauseMilliseconds = 100;
const longestPauseMilliseconds = 10_000;

/**
 * A copy of some of the cluster's objects that is kept up to date by a list and a watch (Kubernetes API concepts, "Efficient
 * detection of changes"). It may lag: what is not here need not be missing.
 */
export class Informer<T extends KubernetesObject> {
  readonly #parts: InformerParts<T>;
  readonly #listeners = new Set<(object: T) => void>();
  #objects = new Map<string, T>();
  #isSynced = false;

  constructor(parts: InformerParts<T>) {
    this.#parts = parts;
  }

  /** Whether everything was listed, so that the copy says something. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  get(name: string): T | undefined {
    return this.#objects.get(name);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  /** Calls back with each object that came, changed or went (then as it was last seen). @returns ends it */
  onChange(listener: (object: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Keeps the copy until the signal aborts. A connection that broke and a server that is away are waited out. */
  async run(signal: AbortSignal): Promise<void> {
    let pause = firstPauseMilliseconds;
    let resourceVersion: string | undefined;
    let listedAt = 0;
    while (!signal.aborted) {
      try {
        if (resourceVersion === undefined || performance.now() - listedAt > resyncMilliseconds) {
          resourceVersion = await this.#list(signal);
          listedAt = performance.now();
        }
        for await (const { type, object } of this.#watch(resourceVersion, signal)) {
          resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
          if (type !== 'BOOKMARK') this.#take(object, type === 'DELETED');
          pause = firstPauseMilliseconds;
        }
        pause = firstPauseMilliseconds;
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof Expired) resourceVersion = undefined;
        else this.#complain(error);
        await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {});
        pause = Math.min(pause * 2, longestPauseMilliseconds);
      }
    }
    this.#isSynced = false;
    this.#objects.clear();
  }

  #watch(resourceVersion: string, signal: AbortSignal) {
    const { client, type, namespace, selection } = this.#parts;
    return client.watch(type, namespace, { ...selection, resourceVersion, signal });
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { client, type, namespace, selection } = this.#parts;
    const { items, resourceVersion } = await client.list(type, namespace, selection, signal);
    const gone = new Map(this.#objects);
    const before = this.#objects;
    this.#objects = new Map();
    this.#isSynced = true;
    for (const object of items) {
      const name = object.metadata?.name ?? '';
      gone.delete(name);
      this.#objects.set(name, slim(object));
    }
    for (const object of items) {
      const known = before.get(object.metadata?.name ?? '');
      if (known?.metadata?.resourceVersion !== object.metadata?.resourceVersion) this.#tell(object);
    }
    for (const object of gone.values()) this.#tell(object);
    return resourceVersion;
  }

  #take(object: T, isGone: boolean): void {
    const name = object.metadata?.name ?? '';
    if (isGone) this.#objects.delete(name);
    else this.#objects.set(name, slim(object));
    this.#tell(object);
  }

  #tell(object: T): void {
    for (const listener of this.#listeners) listener(object);
  }

  #complain(error: unknown): void {
    const { type, log } = this.#parts;
    const details = error instanceof KnitError ? { reason: error.message } : { err: error };
    log.warn({ watched: type.plural, ...details }, 'watching Kubernetes was interrupted and goes on');
  }
}

/** Who wrote which field is half of an object, and nobody here asks for it. */
function slim<T extends KubernetesObject>(object: T): T {
  delete object.metadata?.managedFields;
  return object;
}
