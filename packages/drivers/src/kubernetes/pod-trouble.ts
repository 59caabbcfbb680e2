import type { Pod } from './client/resource-type.ts';

/** What keeps a Pod from doing its work. */
export interface PodTrouble {
  readonly reason: string;
  /** Whether it will not get better by waiting. */
  readonly isFinal: boolean;
}

/** Kubelet's own words for a container that has not begun, and may any moment. */
const ordinary = new Set(['ContainerCreating', 'PodInitializing']);

/**
 * What a Pod of one container says of itself; nothing when all is well so far.
 * @param pod undefined for one that is gone
 */
export function podTrouble(pod: Pod | undefined): PodTrouble | undefined {
  if (pod === undefined) return { reason: 'its Pod has been removed', isFinal: true };
  const { phase, reason, message, conditions = [], containerStatuses = [] } = pod.status ?? {};
  const { waiting, terminated } = containerStatuses[0]?.state ?? {};
  if (phase === 'Failed' || phase === 'Succeeded') {
    const said = terminated?.message?.trim() || message || terminated?.reason || reason;
    const code = terminated === undefined ? '' : ` with exit code ${terminated.exitCode}`;
    return { reason: `it ended${code}${said ? `: ${said}` : ''}`, isFinal: true };
  }
  if (pod.metadata?.deletionTimestamp !== undefined)
    return { reason: `its Pod is being removed${message ? `: ${message}` : ''}`, isFinal: true };
  if (waiting?.reason !== undefined && !ordinary.has(waiting.reason))
    return { reason: [waiting.reason, waiting.message].filter(Boolean).join(': '), isFinal: false };
  const unscheduled = conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
  if (unscheduled !== undefined)
    return { reason: unscheduled.message ?? 'no node has been found for it', isFinal: false };
  return undefined;
}
