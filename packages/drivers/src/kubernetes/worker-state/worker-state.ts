import { containerNames } from '../worker-job.ts';
import { endedMain } from './ended.ts';
import { executionOf } from './execution.ts';
import { lostPod } from './lost.ts';
import { unstarted } from './unstarted.ts';
import { containerStatus, type Judgement, type WorkerSight } from './worker-sight.ts';

/**
 * Spec page 5, "Job state → Run". The Pod decides: a Job's own status comes seconds later. Where the worker does not run and did not
 * end, the events tell why.
 */
export function workerState(sight: WorkerSight): Judgement {
  const { pod, hasHadPod } = sight;
  if (pod === undefined) return hasHadPod ? { state: { phase: 'missing' } } : unstarted(sight);
  const execution = executionOf(pod);
  const judgement = judge(pod, sight);
  if (judgement.state.phase === 'missing') return judgement;
  return { ...judgement, state: { ...judgement.state, execution } };
}

function judge(pod: NonNullable<WorkerSight['pod']>, sight: WorkerSight): Judgement {
  const lost = lostPod(pod, sight);
  if (lost !== undefined) return lost;
  const main = containerStatus(pod, containerNames.main)?.state;
  if (main?.terminated) return endedMain(pod, main.terminated, sight);
  if (main?.running) return { state: { phase: 'running' } };
  return unstarted(sight);
}
