import { KnitError, parseQuantity } from '@knitfab/core';
import type { LoopLog } from '@knitfab/engine';
import { ApiConnection } from '../client/api-connection.ts';
import { inClusterAccess } from '../client/cluster-access.ts';
import { KubernetesClient } from '../client/kubernetes-client.ts';
import { volumeClaims } from '../client/resource-type.ts';
import { type GrowthLimits, grownSize } from './grown-size.ts';
import { type NodeVolume, readNodeVolumes } from './node-volumes.ts';

export interface GrowingVolumesParts {
  readonly client: KubernetesClient;
  readonly kubelet: ApiConnection;
  readonly namespace: string;
  readonly limits: GrowthLimits;
  readonly log: LoopLog;
}

/** A claim that was asked to grow, in bytes. */
export interface GrownVolume {
  readonly claim: string;
  readonly from: number;
  readonly to: number;
}

const kubeletPort = 10250;
const mebibyte = 2 ** 20;

/** Lets volumes grow that run full while Pods of one node mount them. */
export class GrowingVolumes {
  readonly #parts: GrowingVolumesParts;
  /** Claims that can't grow, and why: told once. */
  readonly #refused = new Map<string, string>();

  constructor(parts: GrowingVolumesParts) {
    this.#parts = parts;
  }

  /**
   * With this Pod's service account, at the node of the given address.
   * @throws {Unavailable} when the Pod has none
   */
  static atNode(address: string, parts: Omit<GrowingVolumesParts, 'client' | 'kubelet'>): GrowingVolumes {
    const access = inClusterAccess();
    const host = address.includes(':') ? `[${address}]` : address;
    const kubelet = new ApiConnection({
      server: new URL(`https://${host}:${kubeletPort}`),
      // Kubelets sign their own certificates unless told otherwise; this one is on the same node, so nobody is in between.
      tls: { rejectUnauthorized: false },
      ...(access.token && { token: access.token }),
    });
    return new GrowingVolumes({ ...parts, client: new KubernetesClient(access), kubelet });
  }

  /**
   * Looks at every volume once.
   * @returns those that were asked to grow
   * @throws {Unavailable} when kubelet does not answer or refuses
   */
  async growFullOnes(): Promise<GrownVolume[]> {
    const { kubelet, namespace } = this.#parts;
    const grown: GrownVolume[] = [];
    for (const volume of await readNodeVolumes(kubelet, namespace)) {
      const size = await this.#grow(volume);
      if (size !== undefined) grown.push(size);
    }
    return grown;
  }

  close(): void {
    this.#parts.client.close();
    this.#parts.kubelet.close();
  }

  async #grow({ claim: name, capacity, available }: NodeVolume): Promise<GrownVolume | undefined> {
    const { client, namespace, limits, log } = this.#parts;
    if ((capacity - available) / capacity < limits.fullPercent / 100) return undefined;
    try {
      const claim = await client.get(volumeClaims, namespace, name);
      const requested = parseQuantity(claim.spec?.resources?.requests?.storage ?? '0');
      const given = parseQuantity(claim.status?.capacity?.storage ?? '0');
      const size = grownSize({ capacity, available, requested, given }, limits);
      if (size === undefined) return undefined;
      await client.patch(volumeClaims, namespace, name, {
        spec: { resources: { requests: { storage: `${Math.floor(size / mebibyte)}Mi` } } },
      });
      this.#refused.delete(name);
      return { claim: name, from: requested, to: size };
    } catch (error) {
      if (!(error instanceof KnitError)) throw error;
      // Most likely its StorageClass does not let volumes grow, which stays so.
      if (this.#refused.get(name) !== error.reason)
        log.warn({ claim: name, reason: error.reason }, 'a volume runs full, and can not grow');
      this.#refused.set(name, error.reason);
      return undefined;
    }
  }
}
