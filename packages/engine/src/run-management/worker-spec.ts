import { defaultResources, isUuid, type RunId } from '@knitfab/core';
import type { NamedWorker, RunMaterial } from '@knitfab/store';
import type { WorkerSpec } from '../drivers.ts';

/** The worker of a Run (spec page 5, "Worker: one Job per Run at most"). */
export function workerSpec(run: RunMaterial): WorkerSpec {
  return {
    name: run.worker ?? workerName(run.runId),
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

/** The name of a Run's first worker; those of later attempts have the attempt's number behind. */
export const workerName = (runId: string): string => `worker-run-${runId}`;

/** The Run that a worker belongs to, by its name; undefined when it is no worker's. */
export function runOfWorker(name: string): RunId | undefined {
  const runId = /^worker-run-(.{36})(?:-[1-9][0-9]*)?$/.exec(name)?.[1] ?? '';
  return isUuid(runId) ? (runId as RunId) : undefined;
}

/** Names of workers with the Runs that they belong to; what is no worker's is left out. */
export const namedWorkers = (names: readonly string[]): NamedWorker[] =>
  names.flatMap((name) => {
    const runId = runOfWorker(name);
    return runId === undefined ? [] : [{ runId, name }];
  });
