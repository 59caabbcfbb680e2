import type { ApiConnection } from '../client/api-connection.ts';

/** A volume that a Pod of this node mounts, in bytes. */
export interface NodeVolume {
  readonly claim: string;
  readonly capacity: number;
  readonly available: number;
}

/** What is read of kubelet's `/stats/summary` (Kubernetes, "Node metrics data"). */
interface Summary {
  readonly pods?: readonly {
    readonly volume?: readonly {
      readonly pvcRef?: { readonly name: string; readonly namespace: string };
      readonly capacityBytes?: number;
      readonly availableBytes?: number;
    }[];
  }[];
}

/**
 * The volumes that Pods of a node mount, each once, as far as kubelet measures them: it does not for directories of the node itself.
 * @throws {Unavailable} when kubelet does not answer or refuses
 */
export async function readNodeVolumes(kubelet: ApiConnection, namespace: string): Promise<NodeVolume[]> {
  const { pods = [] } = await kubelet.json<Summary>({
    what: "read the volumes of kubelet's node",
    method: 'GET',
    path: '/stats/summary',
  });
  const found = new Map<string, NodeVolume>();
  for (const { pvcRef, capacityBytes, availableBytes } of pods.flatMap(({ volume = [] }) => volume)) {
    if (pvcRef?.namespace !== namespace || !capacityBytes || availableBytes === undefined) continue;
    found.set(pvcRef.name, { claim: pvcRef.name, capacity: capacityBytes, available: availableBytes });
  }
  return [...found.values()];
}
