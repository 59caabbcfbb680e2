import type { Pod } from '../client/resource-type.ts';
import { startPath } from '../pod-wire.ts';
import { containerNames } from '../worker-job.ts';
import type { Judgement } from './worker-sight.ts';

/** The exit code of a worker that never ran (spec page 2). */
export const notStarted = 255;

/**
 * What the check of the outputs complained of, where it failed: as an init container, or as the hook of a container beside main. What
 * a hook has written is the last message of its container, which kubelet ends for it, and then main could not start.
 */
export function failedCheck({ status }: Pod): Judgement | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = status ?? {};
  const init = initContainerStatuses.find(({ name }) => name === containerNames.check)?.state?.terminated;
  if (init && init.exitCode !== 0)
    return given(init.message?.trim() || init.reason || `exit code ${init.exitCode}`);
  const main = containerStatuses.find(({ name }) => name === containerNames.main)?.state?.terminated;
  if (!main?.message?.includes(startPath)) return undefined;
  const hooked = containerStatuses.find(({ name }) => name !== containerNames.main)?.state?.terminated;
  return given(hooked?.message?.trim() || 'it did not come to its end');
}

const given = (why: string): Judgement => ({
  state: {
    phase: 'ended',
    code: notStarted,
    reason: `the check of the outputs failed: ${why}`,
    cause: 'lost',
  },
});
