import { defaultResources, isUuid, type RunId } from '@knitfab/core';
import type { RunMaterial } from '@knitfab/store';
import type { WorkerSpec } from '../drivers.ts';

/** The worker of a Run (spec page 5, "Worker: one Job per Run at most"). */
export function workerSpec(run: RunMaterial): WorkerSpec {
  return {
    name: workerName(run.runId),
    runId: run.runId,
    planId: run.planId,
    image: run.image,
    ...(run.entrypoint !== null && { entrypoint: run.entrypoint }),
    ...(run.args !== null && { args: run.args }),
    inputs: run.inputs,
    outputs: run.outputs,
    ...(run.log !== null && { log: { volume: run.log.volume } }),
    resources: { ...defaultResources, ...run.resources },
    onNode: run.onNode,
    ...(run.serviceAccount !== null && { serviceAccount: run.serviceAccount }),
    env: {},
  };
}

export const workerName = (runId: string): string => `worker-run-${runId}`;

/** The Run that a worker belongs to, by its name; undefined when it is no worker's. */
export function runOfWorker(name: string): RunId | undefined {
  const runId = name.startsWith('worker-run-') ? name.slice('worker-run-'.length) : '';
  return isUuid(runId) ? (runId as RunId) : undefined;
}
