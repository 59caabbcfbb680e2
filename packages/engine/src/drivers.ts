import type { Readable } from 'node:stream';
import type { KnitId, OnNode, PlanDefinition, PlanId, Resources, RunId } from '@knitfab/core';

/** The name of a volume: where a Data's directory tree is kept. A PersistentVolumeClaim on Kubernetes, a directory on one machine. */
export type VolumeRef = string;

/** Makes and destroys volumes. Every call may be repeated: the engine does so after a crash. */
export interface VolumeDriver {
  /**
   * Makes an empty volume, or leaves the one of that name as it is.
   * @param knitId whose it is, for whoever looks at the volume
   */
  create(ref: VolumeRef, knitId?: KnitId): Promise<void>;
  /** Destroys a volume and gives its space back; one that does not exist is destroyed already. */
  destroy(ref: VolumeRef): Promise<void>;
  /** Names of all volumes that exist. */
  list(): Promise<VolumeRef[]>;
  /** Whether the volume exists and can be mounted. */
  isReady(ref: VolumeRef): Promise<boolean>;
  /** Makes what was written to the volume survive a power cut. */
  sync(ref: VolumeRef): Promise<void>;
  /** Where making a volume takes seconds: some are made before anybody needs them. */
  readonly spares?: SpareVolumes;
}

/** Volumes that are made before anybody needs them. */
export interface SpareVolumes {
  /** How many are to be ready; those that are too many are thrown away. */
  readonly count: number;
  /** How they are made, in any words: those that were made otherwise, as another configuration said, are thrown away. */
  readonly kind: string;
  /** Makes an empty volume, or leaves the one of that name as it is, and waits until it can be mounted; rejects if that takes long. */
  make(ref: VolumeRef): Promise<void>;
  /** Makes the volume that of a Data. @returns whether it exists and can be mounted */
  adopt(ref: VolumeRef, knitId: KnitId): Promise<boolean>;
}

/** All that a driver needs to run one worker: the Plan's command with the Run's Data. */
export interface WorkerSpec {
  /** Unique among the workers of this system: `worker-run-<RUN_ID>`, with `-<ATTEMPT>` from the second on. */
  readonly name: string;
  readonly runId: RunId;
  readonly planId: PlanId;
  /** `repository:tag` */
  readonly image: string;
  readonly entrypoint?: readonly string[];
  readonly args?: readonly string[];
  readonly inputs: readonly { readonly path: string; readonly volume: VolumeRef }[];
  readonly outputs: readonly { readonly path: string; readonly volume: VolumeRef }[];
  /** The volume whose file `log` gets stdout and stderr. */
  readonly log?: { readonly volume: VolumeRef };
  /** Limits, complete with defaults (spec page 1). */
  readonly resources: Resources;
  readonly onNode: OnNode;
  readonly serviceAccount?: string;
  /** Environment variables to add, from hooks (spec page 6) and the Run's own facts (page 8, 15). */
  readonly env: Readonly<Record<string, string>>;
}

/** What was really executed, kept with the Run: a tag alone would make the lineage a guess. */
export interface Execution {
  /** `local`, `docker` or `kubernetes` */
  readonly driver: string;
  /** Host or node that the worker ran on. */
  readonly node?: string;
  /** Digest of the image, or of the code (local driver), as `sha256:HEX`, by what it is the digest of. */
  readonly digests?: Readonly<Record<string, string>>;
  /** RFC 3339 */
  readonly startedAt?: string;
  /** RFC 3339 */
  readonly endedAt?: string;
  readonly peakMemoryBytes?: number;
  /** What a reader of the Run should know, such as a limit that could not be set. */
  readonly notes?: readonly string[];
}

/** What a driver sees of a worker. */
export type WorkerState =
  /** There is no such worker, or it vanished without an exit code. */
  | { readonly phase: 'missing' }
  /** Created, and not running yet; `reason` says what it waits for. */
  | { readonly phase: 'pending'; readonly reason?: string; readonly execution?: Execution }
  | { readonly phase: 'running'; readonly execution?: Execution }
  /** Ended by itself. `code` 0–255, `reason` such as `Completed`, `Error`, `OOMKilled`. */
  | {
      readonly phase: 'ended';
      readonly code: number;
      readonly reason: string;
      /** Whose fault a failure is; the user's code's when absent. */
      readonly cause?: 'error' | 'lost';
      readonly execution?: Execution;
    };

/** What a driver can run at once; a driver that schedules by itself (Kubernetes) has none. */
export interface Capacity {
  /** Cores */
  readonly cpu: number;
  /** Bytes */
  readonly memory: number;
}

/** Starts and ends workers. Every call may be repeated: the engine does so after a crash. */
export interface WorkerDriver {
  readonly capacity?: Capacity;
  /**
   * Refuses, when the Plan is registered, what could never run here.
   * @throws {Invalid} with the reason and what to do
   */
  check(
    plan: Pick<PlanDefinition, 'image' | 'entrypoint' | 'args' | 'inputs' | 'outputs' | 'resources'>,
  ): void;
  /**
   * Creates the worker; one of that name that exists is left as it is. Resolves once the worker survives a crash of this
   * process, without waiting for its command to run.
   * @throws {Invalid} when the worker can never start (the Run fails with that reason); any other error is tried again
   */
  start(spec: WorkerSpec): Promise<void>;
  inspect(name: string): Promise<WorkerState>;
  /** Ends the worker's processes, all of them, and removes every trace of the worker but its volumes. Missing is removed. */
  remove(name: string): Promise<void>;
  /** Calls back with the name of each worker whose state changed, until the signal aborts. Calls may be late or doubled. */
  watch(onChange: (name: string) => void, signal: AbortSignal): Promise<void>;
  /** Names of all workers that exist. */
  list(): Promise<string[]>;
  /** What the worker has written so far; with `follow` also what it will write, until it ends or the signal aborts. */
  logs(
    spec: { name: string; log: { volume: VolumeRef } },
    options: { follow: boolean; signal?: AbortSignal },
  ): Promise<Readable>;
}

/** Brings trees in and out of volumes as plain tar streams. */
export interface TransferDriver {
  /** The volume's tree as a tar stream. */
  read(ref: VolumeRef): Promise<Readable>;
  /**
   * Unpacks a tar stream into an empty volume and makes it durable.
   * @throws {Invalid} for an archive that is broken or that tries to leave the volume
   */
  write(ref: VolumeRef, tar: AsyncIterable<Buffer>): Promise<void>;
}

/** What an edition plugs into the engine. */
export interface Drivers {
  readonly volumes: VolumeDriver;
  readonly workers: WorkerDriver;
  readonly transfers: TransferDriver;
}
