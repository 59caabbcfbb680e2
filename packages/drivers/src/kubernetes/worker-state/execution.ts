import { formatTime } from '@knitfab/core';
import type { Execution } from '@knitfab/engine';
import { fullName } from '../../docker/image-name.ts';
import type { Pod } from '../client/resource-type.ts';
import { containerNames } from '../worker-job.ts';
import { containerStatus } from './worker-sight.ts';

/** What was executed, as far as the Pod knows by now. */
export function executionOf(pod: Pod): Execution {
  const status = containerStatus(pod, containerNames.main);
  const { running, terminated } = status?.state ?? {};
  const image = pod.spec?.containers.find(({ name }) => name === containerNames.main)?.image;
  const digest = /sha256:[0-9a-f]{64}/.exec(status?.imageID ?? '')?.[0];
  const startedAt = happened(running?.startedAt ?? terminated?.startedAt);
  const endedAt = happened(terminated?.finishedAt);
  return {
    driver: 'kubernetes',
    ...(pod.spec?.nodeName !== undefined && { node: pod.spec.nodeName }),
    ...(image !== undefined && digest !== undefined && { digests: { [fullName(image)]: digest } }),
    ...(startedAt !== undefined && { startedAt }),
    ...(endedAt !== undefined && { endedAt }),
  };
}

/** A container that never came to run has a start in 1970, or none. */
function happened(text: string | null | undefined): string | undefined {
  const time = text == null ? undefined : new Date(text);
  return time !== undefined && time.getTime() > 0 ? formatTime(time) : undefined;
}
