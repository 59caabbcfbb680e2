import { NotFound } from '@knitfab/core';
import type { VolumeRef } from '@knitfab/engine';
import type { KubernetesClient } from './client/kubernetes-client.ts';
import { volumeClaims } from './client/resource-type.ts';

/**
 * Waits until a volume is there, for so many milliseconds at most.
 * @returns whether it is: some StorageClasses make volumes only for Pods that are there
 * @throws {NotFound} when there is no such volume, or none any more
 */
export async function isBoundWithin(
  milliseconds: number,
  { client, namespace }: { client: KubernetesClient; namespace: string },
  volume: VolumeRef,
): Promise<boolean> {
  const claim = await client.find(volumeClaims, namespace, volume);
  if (claim === undefined) throw missing(volume);
  if (claim.status?.phase === 'Bound') return true;
  const changes = client.watch(volumeClaims, namespace, {
    fieldSelector: `metadata.name=${volume}`,
    resourceVersion: claim.metadata?.resourceVersion ?? '',
    signal: AbortSignal.timeout(milliseconds),
  });
  for await (const { type, object } of changes) {
    if (type === 'DELETED') throw missing(volume);
    if (object.status?.phase === 'Bound') return true;
  }
  return false;
}

const missing = (volume: VolumeRef): NotFound => new NotFound(`there is no volume ${volume}`);
