import type { LoopLog } from '@knitfab/engine';
import type { KubernetesClient } from './client/kubernetes-client.ts';
import {
  events,
  type Job,
  jobs,
  type KubernetesEvent,
  type KubernetesNode,
  nodes,
  type Pod,
  pods,
  type ResourceType,
  volumeClaims,
} from './client/resource-type.ts';
import { Informer } from './informer.ts';
import { selectorOf } from './labels.ts';
import { containerNames } from './worker-job.ts';
import { isKeptAway, waitsForVolumes } from './worker-state/unscheduled.ts';
import { patienceSeconds } from './worker-state/unstarted.ts';
import { containerStatus, type WorkerSight } from './worker-state/worker-sight.ts';

/** Marks of the Job's controller on its Pods (Kubernetes, "Well-Known Labels"). */
export const jobNameLabel = 'batch.kubernetes.io/job-name';
const controllerUidLabel = 'batch.kubernetes.io/controller-uid';

type Seen = Pick<WorkerSight, 'job' | 'pod' | 'hasHadPod' | 'events' | 'nodes'>;

/** How long nodes are taken to be as they were. */
const nodesMilliseconds = 30_000;

/** The Jobs and Pods of workers: from a copy while they are watched, else from the cluster. */
export class WorkerObjects {
  readonly #client: KubernetesClient;
  readonly #namespace: string;
  readonly #jobs: Informer<Job>;
  readonly #pods: Informer<Pod>;
  /** Pods of the copy by their Job's name. */
  readonly #podNames = new Map<string, Set<string>>();
  /** Jobs (their uids) that have been seen with a Pod. */
  readonly #hadPod = new Set<string>();
  #nodes: Promise<KubernetesNode[]> | undefined;
  #nodesAt = 0;

  constructor({ client, namespace, log }: { client: KubernetesClient; namespace: string; log: LoopLog }) {
    this.#client = client;
    this.#namespace = namespace;
    const informer = <T extends Job | Pod>(type: ResourceType<T>) =>
      new Informer<T>({ client, type, namespace, log, selection: { labelSelector: selectorOf('worker') } });
    this.#jobs = informer(jobs);
    this.#pods = informer(pods);
    this.#pods.onChange((pod) => this.#index(pod));
    this.#jobs.onChange(({ metadata }) => {
      if (this.#jobs.get(metadata?.name ?? '') === undefined) this.#hadPod.delete(metadata?.uid ?? '');
    });
  }

  /** Calls back with the name of each worker of which something has changed. */
  async watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void> {
    const ends = [
      this.#jobs.onChange(({ metadata }) => onChange(metadata?.name ?? '')),
      this.#pods.onChange((pod) => onChange(jobOf(pod))),
    ];
    await Promise.all([this.#jobs.run(signal), this.#pods.run(signal)]);
    for (const end of ends) end();
    this.#podNames.clear();
  }

  /**
   * Undefined when there is no such Job. A copy that lags is never taken as proof that something is missing.
   * @param isSure whether the Job is to be the one that there is now, and not one of that name from before
   */
  async see(name: string, { isSure = false } = {}): Promise<Seen | undefined> {
    const copy = isSure ? undefined : this.#jobs.get(name);
    const job = copy ?? (await this.#client.find(jobs, this.#namespace, name));
    if (job === undefined || job.metadata?.deletionTimestamp !== undefined) return undefined;
    const pod = this.#knownPod(job) ?? (await this.#findPod(job));
    const uid = job.metadata?.uid ?? '';
    if (pod !== undefined) this.#hadPod.add(uid);
    const hasHadPod = pod !== undefined || this.#hadPod.has(uid) || countsPods(job);
    const [happened, around] = await Promise.all([this.#events(job, pod), this.#nodesFor(pod)]);
    return { job, pod, hasHadPod, events: happened, ...(around && { nodes: around }) };
  }

  /** A permission for all of the cluster, which an administrator may not give: only the explanation is poorer then. */
  async #nodesFor(pod: Pod | undefined): Promise<KubernetesNode[] | undefined> {
    if (pod === undefined || !isKeptAway(pod)) return undefined;
    if (this.#nodes === undefined || performance.now() - this.#nodesAt > nodesMilliseconds) {
      this.#nodesAt = performance.now();
      this.#nodes = this.#client.list(nodes, this.#namespace).then(
        ({ items }) => items,
        () => [],
      );
    }
    return await this.#nodes;
  }

  #index(pod: Pod): void {
    const job = jobOf(pod);
    const name = pod.metadata?.name ?? '';
    const names = this.#podNames.get(job) ?? new Set();
    if (this.#pods.get(name) === undefined) names.delete(name);
    else names.add(name);
    if (names.size === 0) this.#podNames.delete(job);
    else this.#podNames.set(job, names);
  }

  #knownPod(job: Job): Pod | undefined {
    const names = this.#podNames.get(job.metadata?.name ?? '') ?? [];
    return podOf(
      job,
      [...names].flatMap((name) => this.#pods.get(name) ?? []),
    );
  }

  async #findPod(job: Job): Promise<Pod | undefined> {
    const labelSelector = `${controllerUidLabel}=${job.metadata?.uid}`;
    const { items } = await this.#client.list(pods, this.#namespace, { labelSelector });
    return podOf(job, items);
  }

  /** Asked for only when a worker takes its time. */
  async #events(job: Job, pod: Pod | undefined): Promise<KubernetesEvent[]> {
    const since = pod?.metadata?.creationTimestamp ?? job.metadata?.creationTimestamp;
    if (since === undefined || hasStarted(pod)) return [];
    if (Date.now() - new Date(since).getTime() < patienceSeconds * 1000) return [];
    if (pod === undefined) return await this.#eventsOf(job.metadata?.uid);
    return waitsForVolumes(pod) ? await this.#eventsOfClaims(pod) : await this.#eventsOf(pod.metadata?.uid);
  }

  async #eventsOf(uid: string | undefined): Promise<KubernetesEvent[]> {
    const fieldSelector = `involvedObject.uid=${uid}`;
    const { items } = await this.#client.list(events, this.#namespace, { fieldSelector });
    return items;
  }

  async #eventsOfClaims(pod: Pod): Promise<KubernetesEvent[]> {
    const names = pod.spec?.volumes?.flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []) ?? [];
    const found = await Promise.all(
      names.map(async (name) => {
        const claim = await this.#client.find(volumeClaims, this.#namespace, name);
        return claim?.status?.phase === 'Bound' ? [] : await this.#eventsOf(claim?.metadata?.uid);
      }),
    );
    return found.flat();
  }
}

const jobOf = (pod: Pod): string => pod.metadata?.labels?.[jobNameLabel] ?? '';

/** A Job's Pod; of several, which a controller in trouble may make, the one that came first. */
function podOf(job: Job, among: Pod[]): Pod | undefined {
  return among
    .filter(({ metadata }) => metadata?.labels?.[controllerUidLabel] === job.metadata?.uid)
    .sort((a, b) =>
      (a.metadata?.creationTimestamp ?? '') < (b.metadata?.creationTimestamp ?? '') ? -1 : 1,
    )[0];
}

/** Whether the Job's own status counts a Pod that it has or had. */
function countsPods({ status = {} }: Job): boolean {
  const { active = 0, failed = 0, succeeded = 0, terminating = 0, uncountedTerminatedPods = {} } = status;
  const uncounted = [...(uncountedTerminatedPods.failed ?? []), ...(uncountedTerminatedPods.succeeded ?? [])];
  return active + failed + succeeded + terminating + uncounted.length > 0;
}

function hasStarted(pod: Pod | undefined): boolean {
  const state = pod && containerStatus(pod, containerNames.main)?.state;
  return state?.running !== undefined || state?.terminated !== undefined;
}
