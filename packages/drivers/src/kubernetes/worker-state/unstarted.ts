import type { ContainerStatus } from 'kubernetes-types/core/v1.js';
import type { Pod } from '../client/resource-type.ts';
import { failedCheck, notStarted } from './failed-check.ts';
import { unscheduledReason, waitsForVolumes } from './unscheduled.ts';
import { after, condition, type Judgement, timeOf, type WorkerSight } from './worker-sight.ts';

/** How often the events of a worker that does not come to run are looked at. */
const eventsSeconds = 10;

/** Longer than most workers take to start: only then their events are looked at. */
export const patienceSeconds = 5;

/** Why a worker does not run yet, and whether it is given up. */
export function unstarted(sight: WorkerSight): Judgement {
  const { pod, job } = sight;
  if (pod === undefined) return withoutPod(sight);
  const check = failedCheck(pod);
  if (check !== undefined) return check;
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  for (const status of [...initContainerStatuses, ...containerStatuses]) {
    const judgement = waiting(status, pod, sight);
    if (judgement !== undefined) return judgement;
  }
  if (condition(pod, 'PodScheduled')?.status !== 'True') return unscheduled(pod, sight);
  return unmounted(pod, sight) ?? pending(undefined, sight, startOf(pod, job));
}

/** The Job's controller could not make the Pod; its events say why, such as an unknown service account. */
function withoutPod(sight: WorkerSight): Judgement {
  const { job, events, options, now } = sight;
  const failure = latest(events, ['FailedCreate']);
  const since = timeOf(job.metadata?.creationTimestamp) ?? now;
  if (failure === undefined) return pending(undefined, sight, since);
  const message = failure.message?.replace(/^Error creating: /, '') ?? 'unknown reason';
  const reason = `its pod can't be made: ${message}`;
  // Room that other workers use up will be free again.
  if (/exceeded quota/.test(message)) return pending(reason, sight, since);
  return untilDeadline(reason, firstTime(failure) ?? since, options.startDeadlineSeconds, sight, 'error');
}

function unscheduled(pod: Pod, sight: WorkerSight): Judgement {
  const { job, options, events, nodes } = sight;
  const since = startOf(pod, job);
  if (!waitsForVolumes(pod))
    return pending(unscheduledReason(pod, nodes), sight, since, { hasEvents: false });
  const failure = latest(events, ['ProvisioningFailed', 'FailedBinding']);
  const said = unscheduledReason(pod) ?? '';
  if (failure === undefined && !/not found/.test(said)) {
    // To be provisioned takes a while, the longer the more there are, and is no trouble.
    const isPatient = sight.now < after(since, patienceSeconds);
    return pending(isPatient ? undefined : `waits for its volumes: ${said}`, sight, since);
  }
  const reason = `a volume can't be had: ${failure?.message ?? said}`;
  return untilDeadline(reason, firstTime(failure) ?? since, options.mountDeadlineSeconds, sight);
}

/** Kubelet tries for ever to mount what can't be mounted, and says so in events only. */
function unmounted(pod: Pod, sight: WorkerSight): Judgement | undefined {
  const failure = latest(sight.events, ['FailedMount', 'FailedAttachVolume', 'FailedMapVolume']);
  if (failure === undefined) return undefined;
  const since = firstTime(failure) ?? startOf(pod, sight.job);
  const reason = `a volume can't be mounted: ${failure.message ?? failure.reason ?? ''}`;
  return untilDeadline(reason, since, sight.options.mountDeadlineSeconds, sight);
}

/** Kubelet's words for an image that it can't have (`pkg/kubelet/images`). */
const imageReasons = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
  'InvalidImageName',
]);
const usualReasons = new Set(['ContainerCreating', 'PodInitializing']);

function waiting({ state, image }: ContainerStatus, pod: Pod, sight: WorkerSight): Judgement | undefined {
  const { reason, message } = state?.waiting ?? {};
  if (reason === undefined || usualReasons.has(reason)) return undefined;
  const { options, events, job } = sight;
  const scheduledAt = startOf(pod, job);
  if (imageReasons.has(reason)) {
    const why = `the image ${image} can't be pulled: ${message ?? reason}`;
    if (reason === 'InvalidImageName') return givenUp(why, 'error');
    const since = firstTime(latest(events, ['Failed'])) ?? scheduledAt;
    return untilDeadline(why, since, options.imageDeadlineSeconds, sight);
  }
  const why = `its container can't be made: ${reason}${message ? `: ${message}` : ''}`;
  return untilDeadline(why, scheduledAt, options.startDeadlineSeconds, sight, 'error');
}

const startOf = (pod: Pod, job: WorkerSight['job']): Date => {
  const scheduled = condition(pod, 'PodScheduled');
  const at = scheduled?.status === 'True' ? scheduled.lastTransitionTime : pod.metadata?.creationTimestamp;
  return timeOf(at ?? job.metadata?.creationTimestamp) ?? new Date(0);
};

function latest(events: WorkerSight['events'], reasons: string[]) {
  return events
    .filter(({ reason }) => reasons.includes(reason ?? ''))
    .sort((a, b) => (lastTime(b)?.getTime() ?? 0) - (lastTime(a)?.getTime() ?? 0))[0];
}

type KubernetesEvent = WorkerSight['events'][number];

const firstTime = (event: KubernetesEvent | undefined): Date | undefined =>
  timeOf(event?.firstTimestamp ?? event?.eventTime ?? event?.metadata.creationTimestamp);

const lastTime = (event: KubernetesEvent): Date | undefined =>
  timeOf(event.lastTimestamp ?? event.series?.lastObservedTime ?? event.eventTime);

function pending(
  reason: string | undefined,
  { now }: WorkerSight,
  since: Date,
  { hasEvents = true } = {},
): Judgement {
  const patientUntil = after(since, patienceSeconds);
  return {
    state: { phase: 'pending', ...(reason !== undefined && { reason }) },
    ...(hasEvents && { lookAgainAt: now < patientUntil ? patientUntil : after(now, eventsSeconds) }),
  };
}

function untilDeadline(
  reason: string,
  since: Date,
  seconds: number,
  sight: WorkerSight,
  cause: 'error' | 'lost' = 'lost',
): Judgement {
  const deadline = after(since, seconds);
  if (sight.now >= deadline) return givenUp(`${reason} (given up after ${seconds} s)`, cause);
  const judgement = pending(reason, sight, since);
  const again = judgement.lookAgainAt ?? deadline;
  return { ...judgement, lookAgainAt: again < deadline ? again : deadline };
}

const givenUp = (reason: string, cause: 'error' | 'lost'): Judgement => ({
  state: { phase: 'ended', code: notStarted, reason, cause },
});
