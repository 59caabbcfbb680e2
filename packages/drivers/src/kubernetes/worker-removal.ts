import { setTimeout as sleep } from 'node:timers/promises';
import type { KubernetesClient } from './client/kubernetes-client.ts';
import { jobs, type Pod, pods } from './client/resource-type.ts';
import { jobNameLabel } from './worker-objects.ts';
import { isOver, silentSeconds } from './worker-state/lost.ts';
import { after, timeOf } from './worker-state/worker-sight.ts';

const pollMilliseconds = 500;

/**
 * Ends a worker and removes its Job and Pods. Resolves when nothing of it runs any more: its containers have ended (Kubernetes then
 * removes the Pod by itself), or their node does not answer, so that the Pod is struck off by force.
 */
export async function removeWorker(client: KubernetesClient, namespace: string, name: string): Promise<void> {
  // The Pods go with their Job, whatever becomes of this process.
  await client.delete(jobs, namespace, name, { propagationPolicy: 'Background' });
  for (;;) {
    const { items } = await client.list(pods, namespace, { labelSelector: `${jobNameLabel}=${name}` });
    const remaining = items.filter((pod) => !isOver(pod));
    if (remaining.length === 0) return;
    await Promise.all(remaining.map((pod) => endPod(client, namespace, pod)));
    await sleep(pollMilliseconds);
  }
}

/** Kubernetes would end it with its Job, too, but seconds later. */
async function endPod(client: KubernetesClient, namespace: string, pod: Pod): Promise<void> {
  const { name = '', uid, deletionTimestamp } = pod.metadata ?? {};
  const preconditions = uid === undefined ? {} : { preconditions: { uid } };
  const deadline = timeOf(deletionTimestamp);
  if (deadline === undefined) {
    await client.delete(pods, namespace, name, preconditions);
  } else if (new Date() > after(deadline, silentSeconds)) {
    await client.delete(pods, namespace, name, { gracePeriodSeconds: 0, ...preconditions });
  }
}
