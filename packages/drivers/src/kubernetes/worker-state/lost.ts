import { exits } from '@knitfab/core';
import type { Pod } from '../client/resource-type.ts';
import { containerNames } from '../worker-job.ts';
import {
  after,
  condition,
  containerStatus,
  type Judgement,
  timeOf,
  type WorkerSight,
} from './worker-sight.ts';

/**
 * How long after the end of its grace a Pod that is being deleted may still seem to run. After that its node is taken for gone: a
 * node that is there would have killed it long ago.
 */
export const silentSeconds = 15;

/** Why a Pod ended though its main did not end by itself. Undefined when nothing of that kind happened. */
export function lostPod(pod: Pod, { now }: Pick<WorkerSight, 'now'>): Judgement | undefined {
  const cause = causeOf(pod);
  if (cause === undefined || mainEndedByItself(pod)) return undefined;
  const lost = (reason: string): Judgement => ({
    state: { phase: 'ended', code: exits.lost.code, reason, cause: 'lost' },
  });
  if (isOver(pod)) return lost(cause);
  const deadline = timeOf(pod.metadata?.deletionTimestamp);
  if (deadline === undefined) return undefined;
  const silentAt = after(deadline, silentSeconds);
  if (now < silentAt) return { ...underWay(pod, cause), lookAgainAt: silentAt };
  return lost(`the node ${pod.spec?.nodeName ?? '(none)'} was lost`);
}

/** Told as pending or running until its containers have ended or can't answer any more. */
const underWay = (pod: Pod, reason: string): Judgement =>
  containerStatus(pod, containerNames.main)?.state?.running
    ? { state: { phase: 'running' } }
    : { state: { phase: 'pending', reason } };

function causeOf({ metadata, status, spec }: Pod): string | undefined {
  // Kubelet and the controllers say it so: Evicted, NodeShutdown, OutOfcpu, UnexpectedAdmissionError, …
  if (status?.phase === 'Failed' && status.reason !== undefined)
    return sentence(status.reason, status.message ?? '');
  const disruption = condition({ status } as Pod, 'DisruptionTarget');
  if (disruption?.status === 'True') {
    const what = disruptions[disruption.reason ?? ''] ?? disruption.reason ?? 'disrupted';
    return sentence(`${what} on the node ${spec?.nodeName ?? '(none)'}`, disruption.message ?? '');
  }
  return metadata?.deletionTimestamp === undefined ? undefined : 'its pod was deleted';
}

/** Source: Kubernetes, "Disruptions", "Pod disruption conditions". */
const disruptions: Readonly<Record<string, string>> = {
  PreemptionByScheduler: 'preempted by a Pod of higher priority',
  DeletionByTaintManager: 'evicted for a taint that came',
  EvictionByEvictionAPI: 'evicted',
  DeletionByPodGC: 'removed with its node',
  TerminationByKubelet: 'Evicted',
};

const sentence = (what: string, message: string): string =>
  message === '' ? what : `${what}: ${message.trim().replace(/\.$/, '')}`;

/** Whether none of its containers runs any more or can come to. */
export function isOver(pod: Pod): boolean {
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return true;
  if (pod.metadata?.deletionTimestamp !== undefined && pod.spec?.nodeName === undefined) return true;
  const { containerStatuses = [] } = pod.status ?? {};
  const isComplete = containerStatuses.length === pod.spec?.containers.length;
  return isComplete && containerStatuses.every(({ state }) => state?.terminated !== undefined);
}

/** Whether main had ended before anybody asked for its end. */
function mainEndedByItself(pod: Pod): boolean {
  const terminated = containerStatus(pod, containerNames.main)?.state?.terminated;
  // Kubernetes' word for: nobody knows how it ended.
  if (terminated == null || terminated.reason === 'ContainerStatusUnknown') return false;
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata ?? {};
  const disruptedAt = timeOf(
    condition(pod, 'DisruptionTarget')?.status === 'True'
      ? condition(pod, 'DisruptionTarget')?.lastTransitionTime
      : undefined,
  );
  const deletedAt =
    deletionTimestamp === undefined ? undefined : after(deletionTimestamp, -deletionGracePeriodSeconds);
  const askedAt = [disruptedAt, deletedAt]
    .filter((time) => time !== undefined)
    .sort((a, b) => a.getTime() - b.getTime())[0];
  const finishedAt = timeOf(terminated.finishedAt);
  if (askedAt === undefined) return pod.status?.reason === undefined;
  return finishedAt !== undefined && finishedAt < askedAt;
}
