import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Conflict, Invalid, NotFound, Unavailable } from '@knitfab/core';
import type { LoopLog, VolumeRef, WorkerDriver, WorkerSpec, WorkerState } from '@knitfab/engine';
import { checkKubernetesPlan, type KubernetesPlan } from './check-plan.ts';
import type { KubernetesClient } from './client/kubernetes-client.ts';
import { type Job, jobs, type Pod } from './client/resource-type.ts';
import { selectorOf } from './labels.ts';
import { startPath } from './pod-wire.ts';
import { recorderIn, tellMainEnded } from './recorder.ts';
import { pullSecretNames } from './registry/pull-secrets.ts';
import { type ImageCommand, needsImageCommand, type WorkerJobOptions, workerJob } from './worker-job.ts';
import type { WorkerLogRequest } from './worker-log.ts';
import { WorkerObjects } from './worker-objects.ts';
import { removeWorker } from './worker-removal.ts';
import type { Judgement } from './worker-state/worker-sight.ts';
import { workerState } from './worker-state/worker-state.ts';

/**
 * What an image runs when the Plan does not say, asked on behalf of the Plan's service account.
 * @throws {Unavailable} with advice when its registry does not tell
 */
export type ReadImageCommand = (image: string, serviceAccount: string | undefined) => Promise<ImageCommand>;

/** What a worker has written: from the recorder of its Pod while there is one, else from the log volume. */
export type ReadWorkerLog = (request: WorkerLogRequest) => Promise<Readable>;

export interface KubernetesWorkersParts {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly options: WorkerJobOptions;
  readonly readImageCommand: ReadImageCommand;
  readonly readLog: ReadWorkerLog;
  readonly log: LoopLog;
}

/** Workers as Jobs. What is known of them is kept up to date while somebody watches, and asked for otherwise. */
export class KubernetesWorkers implements WorkerDriver {
  readonly #parts: KubernetesWorkersParts;
  readonly #objects: WorkerObjects;
  readonly #listeners = new Set<(name: string) => void>();
  readonly #alarms = new Map<string, NodeJS.Timeout>();

  constructor(parts: KubernetesWorkersParts) {
    this.#parts = parts;
    this.#objects = new WorkerObjects(parts);
  }

  check(plan: KubernetesPlan): void {
    checkKubernetesPlan(plan);
  }

  /** The Job is made beside its volumes, which the cluster may still be provisioning: its Pod waits for them. */
  async start(spec: WorkerSpec): Promise<void> {
    const { client, namespace, options, readImageCommand } = this.#parts;
    checkKubernetesPlan(spec);
    const imageCommand = needsImageCommand(spec) ? await commandOfImage(readImageCommand, spec) : undefined;
    if (imageCommand !== undefined) checkCommand(spec, imageCommand);
    const recorderToken = randomBytes(32).toString('base64url');
    const imagePullSecrets = await this.#pullSecrets(spec);
    const facts = { recorderToken, ...(imageCommand && { imageCommand }) };
    const job = workerJob(spec, { ...options, imagePullSecrets }, facts);
    try {
      await client.create(jobs, namespace, job);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const existing = await client.find(jobs, namespace, spec.name);
      if (existing !== undefined && existing.metadata?.deletionTimestamp === undefined) return;
      throw new Unavailable(`a Job ${spec.name} from before is still being removed`);
    }
  }

  async inspect(name: string): Promise<WorkerState> {
    const seen = await this.#objects.see(name);
    const judgement = this.#judge(seen);
    if (judgement.recorderGoesOn && seen?.pod !== undefined) this.#tellRecorder(seen.pod);
    const isOver = judgement.state.phase === 'ended' || judgement.state.phase === 'missing';
    // The copy may still show the Job of an attempt before this one.
    const { state, lookAgainAt } = isOver
      ? this.#judge(await this.#objects.see(name, { isSure: true }))
      : judgement;
    if (lookAgainAt === undefined) this.#forget(name);
    else this.#lookAgain(name, lookAgainAt);
    return state;
  }

  async remove(name: string): Promise<void> {
    this.#forget(name);
    const { client, namespace } = this.#parts;
    await removeWorker(client, namespace, name);
  }

  async watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void> {
    this.#listeners.add(onChange);
    try {
      await this.#objects.watch(onChange, signal);
    } finally {
      this.#listeners.delete(onChange);
      if (this.#listeners.size === 0) for (const name of this.#alarms.keys()) this.#forget(name);
    }
  }

  async list(): Promise<string[]> {
    const { client, namespace } = this.#parts;
    const { items } = await client.list(jobs, namespace, { labelSelector: selectorOf('worker') });
    return items.filter(isThere).flatMap(({ metadata }) => metadata?.name ?? []);
  }

  async logs(
    { name, log }: { name: string; log: { volume: VolumeRef } },
    { follow, signal }: { follow: boolean; signal?: AbortSignal },
  ): Promise<Readable> {
    const { volume } = log;
    return await this.#parts.readLog({ name, volume, follow, ...(signal && { signal }) });
  }

  close(): void {
    for (const name of this.#alarms.keys()) this.#forget(name);
  }

  /** A Pod that names none has those of its account by itself; one that names some has to name those, too. */
  async #pullSecrets({ serviceAccount }: WorkerSpec): Promise<readonly string[]> {
    const { client, namespace, options } = this.#parts;
    const { imagePullSecrets } = options;
    if (serviceAccount === undefined || imagePullSecrets.length === 0) return imagePullSecrets;
    return await pullSecretNames({ client, namespace, imagePullSecrets }, serviceAccount);
  }

  #judge(sight: Awaited<ReturnType<WorkerObjects['see']>>): Judgement {
    if (sight === undefined) return { state: { phase: 'missing' } };
    return workerState({ ...sight, now: new Date(), options: this.#parts.options.worker });
  }

  /** Nothing depends on it: it is told again, and every recorder ends at some time. */
  #tellRecorder(pod: Pod): void {
    const recorder = recorderIn(pod);
    if (typeof recorder === 'string') return;
    tellMainEnded(recorder).catch((error: unknown) =>
      this.#parts.log.debug({ err: error, pod: pod.metadata?.name }, 'a log recorder could not be told'),
    );
  }

  /** Tells the watchers at a time at which the worker's state changes though nothing happens. */
  #lookAgain(name: string, at: Date): void {
    this.#forget(name);
    if (this.#listeners.size === 0) return;
    const alarm = setTimeout(
      () => {
        this.#alarms.delete(name);
        for (const listener of this.#listeners) listener(name);
      },
      Math.max(100, at.getTime() - Date.now()),
    );
    alarm.unref();
    this.#alarms.set(name, alarm);
  }

  #forget(name: string): void {
    clearTimeout(this.#alarms.get(name));
    this.#alarms.delete(name);
  }
}

/**
 * An image that its registry does not have can't be pulled either, most likely, and that is how the worker is to end; should a node
 * have it all the same, the log says why nothing was run.
 */
async function commandOfImage(
  read: ReadImageCommand,
  { image, serviceAccount }: WorkerSpec,
): Promise<ImageCommand> {
  try {
    return await read(image, serviceAccount);
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    const script = 'echo "$1"; exit 255';
    return { entrypoint: [startPath, 'sh', '-c', script, 'sh', error.message], command: [] };
  }
}

/** @throws {Invalid} when neither the image nor the Plan says what to run */
function checkCommand({ image, args }: WorkerSpec, { entrypoint, command }: ImageCommand): void {
  if (entrypoint.length + (args ?? command).length > 0) return;
  throw new Invalid({
    reason: `the image ${image} does not say what it runs, and neither does the Plan`,
    advice: 'Set entrypoint in the Plan.',
  });
}

const isThere = ({ metadata }: Job): boolean => metadata?.deletionTimestamp === undefined;
