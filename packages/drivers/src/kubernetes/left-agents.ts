import type { KubernetesClient } from './client/kubernetes-client.ts';
import { type Pod, pods } from './client/resource-type.ts';
import { backendLabel } from './data-agent-pod.ts';
import { selectorOf } from './labels.ts';

/** How long one that has ended is left to whoever wants to know why. */
const endedMilliseconds = 60_000;
/** Longer than anybody waits for one to start. */
const pendingMilliseconds = 3_600_000;

/**
 * Removes Data Agents that nobody waits for: those whose knitd-backend is gone, and those that it has forgotten. One whose
 * knitd-backend was started again ends by itself, as nobody answers it.
 * @returns how many
 */
export async function removeLeftAgents({
  client,
  namespace,
}: {
  client: KubernetesClient;
  namespace: string;
}): Promise<number> {
  const { items } = await client.list(pods, namespace, { labelSelector: selectorOf('data-agent') });
  const agents = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  const backends = new Set(agents.map(backendOf));
  const alive = new Set<string>();
  for (const name of backends) {
    const phase = (await client.find(pods, namespace, name))?.status?.phase;
    if (phase !== undefined && phase !== 'Succeeded' && phase !== 'Failed') alive.add(name);
  }
  const left = agents.filter((agent) => !alive.has(backendOf(agent)) || isForgotten(agent, Date.now()));
  for (const { metadata } of left) await client.delete(pods, namespace, metadata?.name ?? '');
  return left.length;
}

const backendOf = ({ metadata }: Pod): string => metadata?.labels?.[backendLabel] ?? '';

function isForgotten({ metadata, status }: Pod, now: number): boolean {
  const phase = status?.phase;
  if (phase === 'Running') return false;
  const terminated = status?.containerStatuses?.[0]?.state?.terminated;
  const since = Date.parse(terminated?.finishedAt ?? metadata?.creationTimestamp ?? '');
  return now - since > (phase === 'Pending' ? pendingMilliseconds : endedMilliseconds);
}
