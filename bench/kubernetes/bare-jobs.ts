import { setTimeout } from 'node:timers/promises';
import type { KubernetesObject } from '../../e2e/kubernetes/kubectl.ts';
import { surroundings } from '../../e2e/kubernetes/surroundings.ts';
import type { ApiProxy } from './api-proxy.ts';

/** An image that every node has, whose `date` knows nanoseconds. */
export const image = 'docker.io/library/debian:bookworm-slim';

export interface BareJob {
  readonly name: string;
  readonly command: readonly string[];
  /** How many volumes of its own it gets, each made at the moment that it is. */
  readonly volumes: number;
  /** Claims that are there already, which it reads. */
  readonly inputs?: readonly string[];
  readonly resources?: Readonly<Record<string, string>>;
}

/** Jobs without Knitfab: what Kubernetes alone takes for the same. */
export class BareJobs {
  readonly #api: ApiProxy;
  readonly #namespace: string;

  constructor(api: ApiProxy, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  /** Makes Jobs and their volumes, side by side, and returns when Kubernetes has taken all of them. */
  async create(jobs: readonly BareJob[]): Promise<void> {
    await Promise.all(
      jobs.flatMap((job) => this.#objects(job)).map(([path, object]) => this.#api.create(path, object)),
    );
  }

  /** Waits until the main container of each has ended, and returns what Kubernetes says of their Pods. */
  async ended(jobs: readonly BareJob[]): Promise<KubernetesObject[]> {
    const wanted = new Set(jobs.map(({ name }) => name));
    for (;;) {
      const pods = await this.#list(`${this.#core}/pods?labelSelector=job-name`);
      const ended = pods.filter(
        ({ metadata, status }) =>
          wanted.has(metadata.labels?.['job-name'] ?? '') && status.containerStatuses?.[0].state.terminated,
      );
      if (ended.length === jobs.length) return ended;
      await setTimeout(100);
    }
  }

  log(pod: KubernetesObject): Promise<string> {
    return this.#api.text(`${this.#core}/pods/${pod.metadata.name}/log?container=main`);
  }

  /** Removes Jobs and their volumes, until nothing is left of them: what is measured next has the cluster for itself. */
  async remove(jobs: readonly BareJob[]): Promise<void> {
    const objects = jobs.flatMap((job) => this.#objects(job));
    await Promise.all(objects.map(([path, { metadata }]) => this.#api.delete(`${path}/${metadata.name}`)));
    const claims = new Set(jobs.flatMap(claimsOf));
    const isOurs = ({ spec }: KubernetesObject) =>
      spec.claimRef?.namespace === this.#namespace && claims.has(spec.claimRef.name);
    for (;;) {
      const pods = await this.#list(`${this.#core}/pods?labelSelector=job-name`);
      const volumes = await this.#list('/api/v1/persistentvolumes');
      if (pods.length === 0 && !volumes.some(isOurs)) return;
      await setTimeout(500);
    }
  }

  /** Makes volumes that Jobs may have as inputs. */
  async makeInputs(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.#api.create(`${this.#core}/persistentvolumeclaims`, persistentVolumeClaim(name));
      const path = `${this.#core}/persistentvolumeclaims/${name}`;
      while ((await this.#api.get<KubernetesObject>(path)).status.phase !== 'Bound') await setTimeout(100);
    }
  }

  async #list(path: string): Promise<KubernetesObject[]> {
    return (await this.#api.get<{ items: KubernetesObject[] }>(path)).items;
  }

  get #core(): string {
    return `/api/v1/namespaces/${this.#namespace}`;
  }

  #objects(job: BareJob): [path: string, object: { metadata: { name: string } }][] {
    const claims = claimsOf(job);
    return [
      ...claims.map((claim): [string, { metadata: { name: string } }] => [
        `${this.#core}/persistentvolumeclaims`,
        persistentVolumeClaim(claim),
      ]),
      [`/apis/batch/v1/namespaces/${this.#namespace}/jobs`, jobManifest(job, claims)],
    ];
  }
}

const claimsOf = ({ name, volumes }: BareJob): string[] =>
  Array.from({ length: volumes }, (_, nr) => `${name}-${nr}`);

export function persistentVolumeClaim(name: string) {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteMany'],
      storageClassName: surroundings.storageClass,
      resources: { requests: { storage: '1Gi' } },
    },
  };
}

function jobManifest({ name, command, inputs = [], resources = {} }: BareJob, claims: readonly string[]) {
  const outputs = claims.map((claim) => ({ name: claim, readOnly: false }));
  const volumes = [...inputs.map((claim) => ({ name: claim, readOnly: true })), ...outputs];
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      backoffLimit: 0,
      template: {
        spec: {
          restartPolicy: 'Never',
          enableServiceLinks: false,
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              name: 'main',
              image,
              imagePullPolicy: 'IfNotPresent',
              command,
              resources: { limits: resources },
              volumeMounts: volumes.map((volume) => ({ ...volume, mountPath: `/${volume.name}` })),
            },
          ],
          volumes: volumes.map((volume) => ({
            name: volume.name,
            persistentVolumeClaim: { claimName: volume.name, readOnly: volume.readOnly },
          })),
        },
      },
    },
  };
}
