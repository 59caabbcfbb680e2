import { Conflict, type KnitId, NotFound, Unavailable } from '@knitfab/core';
import type { SpareVolumes, VolumeDriver, VolumeRef } from '@knitfab/engine';
import { isBoundWithin } from './bound-volume.ts';
import type { KubernetesClient } from './client/kubernetes-client.ts';
import { type PersistentVolumeClaim, volumeClaims } from './client/resource-type.ts';
import { dynamicLabels, labels, selectorOf } from './labels.ts';
import type { VolumeOptions } from './options.ts';

/** Volumes as PersistentVolumeClaims of the same names. */
export class ClaimedVolumes implements VolumeDriver {
  readonly #client: KubernetesClient;
  readonly #namespace: string;
  readonly #options: VolumeOptions;
  readonly spares: SpareVolumes;

  constructor(client: KubernetesClient, namespace: string, options: VolumeOptions) {
    this.#client = client;
    this.#namespace = namespace;
    this.#options = options;
    const { spare = 0, storageClass = '', size, accessMode } = options;
    this.spares = {
      count: spare,
      kind: [storageClass, size, accessMode].join(' '),
      make: (ref) => this.#makeSpare(ref),
      adopt: (ref, knitId) => this.#adopt(ref, knitId),
    };
  }

  /**
   * Asks for the volume and does not wait for it: the Pod that mounts it does, while the cluster provisions all of its volumes side
   * by side.
   * @throws {Unavailable} while one of that name is still being removed
   */
  async create(ref: VolumeRef, knitId?: KnitId): Promise<void> {
    try {
      await this.#client.create(volumeClaims, this.#namespace, volumeClaim(ref, this.#options, knitId));
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const existing = await this.#client.find(volumeClaims, this.#namespace, ref);
      if (existing !== undefined && !isTerminating(existing)) return;
      throw new Unavailable({
        reason: `the PersistentVolumeClaim ${ref} is being removed`,
        advice: `It is made again when it is gone; a Pod that still mounts it keeps it: kubectl describe pvc ${ref}`,
      });
    }
  }

  /** Kubernetes removes the claim when no Pod mounts it any more, and what it claimed as its StorageClass' reclaim policy says. */
  async destroy(ref: VolumeRef): Promise<void> {
    await this.#client.delete(volumeClaims, this.#namespace, ref);
  }

  /** Those that are being removed are gone already: nobody can bring them back. */
  async list(): Promise<VolumeRef[]> {
    const { items } = await this.#client.list(volumeClaims, this.#namespace, {
      labelSelector: selectorOf('data'),
    });
    return items.filter((claim) => !isTerminating(claim)).flatMap((claim) => claim.metadata?.name ?? []);
  }

  async isReady(ref: VolumeRef): Promise<boolean> {
    const claim = await this.#client.find(volumeClaims, this.#namespace, ref);
    return claim !== undefined && isBound(claim);
  }

  /**
   * Nothing is to be done from here: the volume is mounted by Pods only. The log recorder and Data Agents flush what they have
   * written before they end. What users' programs wrote is flushed by the node's kernel when it unmounts the volume behind the
   * worker, for local file systems, and with NFS already when the program closes its files (close-to-open consistency, RFC 1813).
   */
  async sync(): Promise<void> {}

  async #makeSpare(ref: VolumeRef): Promise<void> {
    const { bindingSeconds = 20 } = this.#options;
    await this.create(ref);
    const cluster = { client: this.#client, namespace: this.#namespace };
    if (await isBoundWithin(bindingSeconds * 1000, cluster, ref)) return;
    throw new Unavailable({
      reason: `the PersistentVolumeClaim ${ref} was not bound within ${bindingSeconds} s`,
      advice: 'Where the StorageClass binds volumes only for Pods that are there, set volumes.spare to 0.',
    });
  }

  async #adopt(ref: VolumeRef, knitId: KnitId): Promise<boolean> {
    try {
      const patch = { metadata: { labels: { [labels.knitId]: knitId } } };
      const claim = await this.#client.patch(volumeClaims, this.#namespace, ref, patch);
      return isBound(claim);
    } catch (error) {
      if (error instanceof NotFound) return false;
      throw error;
    }
  }
}

const isBound = (claim: PersistentVolumeClaim): boolean =>
  claim.status?.phase === 'Bound' && !isTerminating(claim);

const isTerminating = (claim: PersistentVolumeClaim): boolean =>
  claim.metadata?.deletionTimestamp !== undefined;

/** The claim that stands for a volume. */
export function volumeClaim(
  ref: VolumeRef,
  { storageClass, size, accessMode }: VolumeOptions,
  knitId?: KnitId,
): PersistentVolumeClaim {
  return {
    metadata: {
      name: ref,
      labels: { ...dynamicLabels('data'), ...(knitId !== undefined && { [labels.knitId]: knitId }) },
    },
    spec: {
      accessModes: [accessMode],
      resources: { requests: { storage: size } },
      ...(storageClass !== undefined && { storageClassName: storageClass }),
    },
  };
}
