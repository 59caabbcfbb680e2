import type { Pod } from '../client/resource-type.ts';
import { containerNames } from '../worker-job.ts';
import { condition } from './worker-sight.ts';

/** Whether a Pod is not placed because volumes of it are missing or not provisioned. */
export const waitsForVolumes = (pod: Pod): boolean =>
  /persistentvolumeclaim|PersistentVolumeClaims|persistentVolume/i.test(messageOf(pod) ?? '');

/** What the scheduler says, with what the worker asks of a node where the scheduler does not name it. */
export function unscheduledReason(pod: Pod): string | undefined {
  // What follows the first sentence is what preemption would or would not bring: nothing that a user could do something about.
  const [said] = messageOf(pod)?.split(/\.\s|\.$/) ?? [];
  if (said === undefined) return undefined;
  const asked = [
    ...[...said.matchAll(/Insufficient (\S+?)(?=,|$)/g)].map(
      ([, name = '']) => `${name} ${amount(pod, name)}`,
    ),
    ...(/affinity\/selector/.test(said) ? requiredLabels(pod) : []),
  ];
  return asked.length === 0 ? said : `${said} (the worker asks for ${asked.join(', ')})`;
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
