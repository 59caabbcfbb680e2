import { setTimeout as sleep } from 'node:timers/promises';
import type { LoopLog } from '@knitfab/engine';
import type { KubernetesClient } from './client/kubernetes-client.ts';
import { jobs, type Pod, pods } from './client/resource-type.ts';
import { Informer } from './informer.ts';
import { type RecorderState, recorderIn } from './recorder.ts';
import { jobNameLabel } from './worker-objects.ts';

export interface RecorderSearchParts {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly log: LoopLog;
}

/** What is not told by an event of a Pod, such as a Job that is gone before it had one, is looked at so often. */
const lookMilliseconds = 2_000;

/** Finds a worker's recorder once. A worker without Pods is about to have one while its Job is there. */
export async function findRecorder(parts: RecorderSearchParts, worker: string): Promise<RecorderState> {
  const { items } = await parts.client.list(pods, parts.namespace, { labelSelector: selectorOf(worker) });
  return await recorderAmong(items, parts, worker);
}

/** Follows what becomes of a worker's recorder, until the signal aborts. */
export class RecorderSearch {
  readonly #parts: RecorderSearchParts;
  readonly #worker: string;
  readonly #pods: Informer<Pod>;
  readonly #signal: AbortSignal;
  #changed = Promise.withResolvers<void>();

  constructor(parts: RecorderSearchParts, worker: string, signal: AbortSignal) {
    this.#parts = parts;
    this.#worker = worker;
    this.#signal = signal;
    const selection = { labelSelector: selectorOf(worker) };
    this.#pods = new Informer({ ...parts, type: pods, selection });
    this.#pods.onChange(() => this.#changed.resolve());
    void this.#pods.run(signal);
  }

  /** What there is now; `change` waits for what comes after. */
  async state(): Promise<RecorderState> {
    this.#changed = Promise.withResolvers<void>();
    if (!this.#pods.isSynced) return await findRecorder(this.#parts, this.#worker);
    return await recorderAmong([...this.#pods.values()], this.#parts, this.#worker);
  }

  async change(): Promise<void> {
    const pause = sleep(lookMilliseconds, undefined, { signal: this.#signal });
    await Promise.race([this.#changed.promise, pause.catch(() => {})]);
  }
}

async function recorderAmong(
  found: readonly Pod[],
  { client, namespace }: RecorderSearchParts,
  worker: string,
): Promise<RecorderState> {
  // The newest: one of an earlier attempt may still be going away.
  const pod = found.toSorted((a, b) => madeAt(a) - madeAt(b)).at(-1);
  if (pod !== undefined) return recorderIn(pod);
  const job = await client.find(jobs, namespace, worker);
  return job === undefined || job.metadata?.deletionTimestamp !== undefined ? 'ended' : 'pending';
}

const madeAt = ({ metadata }: Pod): number => Date.parse(metadata?.creationTimestamp ?? '') || 0;

const selectorOf = (worker: string): string => `${jobNameLabel}=${worker}`;
