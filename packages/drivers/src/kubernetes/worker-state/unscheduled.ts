import type { Taint } from 'kubernetes-types/core/v1.js';
import type { KubernetesNode, Pod } from '../client/resource-type.ts';
import { containerNames } from '../worker-job.ts';
import { condition } from './worker-sight.ts';

/** Whether a Pod is not placed because volumes of it are missing or not provisioned. */
export const waitsForVolumes = (pod: Pod): boolean =>
  /persistentvolumeclaim|PersistentVolumeClaims|persistentVolume/i.test(messageOf(pod) ?? '');

/** Whether taints keep a Pod away from nodes; the scheduler does not say which. */
export const isKeptAway = (pod: Pod): boolean => /untolerated taint/.test(messageOf(pod) ?? '');

/** What the scheduler says, with what the worker asks of a node, and which taints it does not tolerate. */
export function unscheduledReason(pod: Pod, nodes: readonly KubernetesNode[] = []): string | undefined {
  // What follows the first sentence is what preemption would or would not bring: nothing that a user could do something about.
  const [said] = messageOf(pod)?.split(/\.\s|\.$/) ?? [];
  if (said === undefined) return undefined;
  const asked = [
    ...[...said.matchAll(/Insufficient (\S+?)(?=,|$)/g)].map(
      ([, name = '']) => `${name} ${amount(pod, name)}`,
    ),
    ...(/affinity\/selector/.test(said) ? requiredLabels(pod) : []),
  ];
  const taints = isKeptAway(pod) ? untoleratedTaints(pod, nodes) : [];
  const details = [
    ...(asked.length === 0 ? [] : [`the worker asks for ${asked.join(', ')}`]),
    ...(taints.length === 0 ? [] : [`it does not tolerate ${taints.join(', ')}`]),
  ];
  return details.length === 0 ? said : `${said} (${details.join('; ')})`;
}

/** Source: Kubernetes, "Taints and Tolerations". */
function untoleratedTaints({ spec }: Pod, nodes: readonly KubernetesNode[]): string[] {
  const { tolerations = [] } = spec ?? {};
  const isTolerated = ({ key, value = '', effect }: Taint) =>
    tolerations.some(
      (toleration) =>
        (toleration.effect ?? effect) === effect &&
        (toleration.key ?? key) === key &&
        (toleration.operator === 'Exists' || (toleration.value ?? '') === value),
    );
  const taints = nodes
    .flatMap((node) => node.spec?.taints ?? [])
    .filter((taint) => taint.effect !== 'PreferNoSchedule' && !isTolerated(taint))
    .map(({ key, value, effect }) => `${key}${value ? `=${value}` : ''}:${effect}`);
  return [...new Set(taints)];
}

const amount = ({ spec }: Pod, resource: string): string =>
  spec?.containers.find(({ name }) => name === containerNames.main)?.resources?.limits?.[resource] ?? '';

function messageOf(pod: Pod): string | undefined {
  const scheduled = condition(pod, 'PodScheduled');
  return scheduled?.status === 'False' ? scheduled.message : undefined;
}

function requiredLabels({ spec }: Pod): string[] {
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchExpressions = [] }) =>
    matchExpressions.map(({ key, values = [] }) => `a node labelled ${key}=${values.join('|')}`),
  );
}
