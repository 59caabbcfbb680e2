import type { PlanId, RunId } from '@knitfab/core';
import type { WorkerSpec } from '@knitfab/engine';
import { defaultWorkerOptions } from '../../src/kubernetes/options.ts';
import type { WorkerJobOptions } from '../../src/kubernetes/worker-job.ts';

export const anOptions: WorkerJobOptions = {
  image: 'example.org/knitfab:v1',
  imagePullPolicy: 'IfNotPresent',
  imagePullSecrets: [],
  worker: defaultWorkerOptions,
};

/** A worker with one input, one output and a command. */
export const aSpec = (changes: Partial<WorkerSpec> = {}): WorkerSpec => ({
  name: 'worker-run-5e6a1c0e-0b0c-4a55-b5e5-0d5e2d8f0f0a',
  runId: '5e6a1c0e-0b0c-4a55-b5e5-0d5e2d8f0f0a' as RunId,
  planId: '1a2b3c4d-0b0c-4a55-b5e5-0d5e2d8f0f0a' as PlanId,
  image: 'example.org/trainer:v1',
  entrypoint: ['sh', '-c'],
  args: ['true'],
  inputs: [{ path: '/in', volume: 'in-volume' }],
  outputs: [{ path: '/out', volume: 'out-volume' }],
  resources: { cpu: '1', memory: '1Gi' },
  onNode: {},
  env: {},
  ...changes,
});
