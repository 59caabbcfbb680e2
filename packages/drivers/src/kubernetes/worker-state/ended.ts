import type { ContainerStateTerminated } from 'kubernetes-types/core/v1.js';
import type { Pod } from '../client/resource-type.ts';
import { containerNames } from '../worker-job.ts';
import { failedCheck, notStarted } from './failed-check.ts';
import { after, containerStatus, type Judgement, timeOf, type WorkerSight } from './worker-sight.ts';

/** How long the recorder may take to write the rest of a log after main has ended; storage may be slow. */
const recordingSeconds = 300;

/** How often a recorder that goes on is told that main has ended: it may not listen yet. */
const tellingSeconds = 2;

/** A worker whose main has ended has ended when its log is complete. */
export function endedMain(pod: Pod, main: ContainerStateTerminated, { now }: WorkerSight): Judgement {
  const check = failedCheck(pod);
  if (check !== undefined) return check;
  // One that could not even be started has not opened the pipe that its recorder waits for.
  if (neverRan(main)) return { state: startFailure(main) };
  const hasLog = pod.spec?.containers.some(({ name }) => name === containerNames.log) ?? false;
  const recorder = containerStatus(pod, containerNames.log)?.state?.terminated;
  if (hasLog && recorder === undefined) {
    const lateAt = after(timeOf(main.finishedAt) ?? now, recordingSeconds);
    if (now < lateAt)
      return {
        state: { phase: 'running' },
        lookAgainAt: after(now, tellingSeconds),
        recorderGoesOn: true,
      };
    return logFailed(main, 'the log recorder did not come to its end');
  }
  if (recorder !== undefined && recorder.exitCode !== 0) {
    const why = recorder.message?.trim() || recorder.reason || `exit code ${recorder.exitCode}`;
    return logFailed(main, `the log recorder failed: ${why}`);
  }
  const { exitCode: code, reason = code === 0 ? 'Completed' : 'Error' } = main;
  return { state: { phase: 'ended', code, reason } };
}

/** Containerd's and kubelet's words for a container that could not be started. */
const neverRan = ({ reason, startedAt }: ContainerStateTerminated): boolean =>
  reason === 'StartError' ||
  reason === 'ContainerCannotRun' ||
  (startedAt !== undefined && new Date(startedAt).getTime() <= 0);

function startFailure({
  exitCode,
  reason = 'StartError',
  message,
}: ContainerStateTerminated): Judgement['state'] {
  const why = message?.trim();
  return {
    phase: 'ended',
    code: exitCode === 0 ? 128 : exitCode,
    reason: why ? `${reason}: ${why}` : reason,
  };
}

/** What main itself came to counts, unless it came to its end well, or by the pipe's (SIGPIPE). */
function logFailed({ exitCode }: ContainerStateTerminated, reason: string): Judgement {
  return {
    state: { phase: 'ended', code: exitCode === 0 ? notStarted : exitCode, reason, cause: 'lost' },
  };
}
