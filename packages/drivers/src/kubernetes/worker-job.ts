import type { WorkerSpec } from '@knitfab/engine';
import type { Container, Toleration, Volume, VolumeMount } from 'kubernetes-types/core/v1.js';
import type { Job } from './client/resource-type.ts';
import { emptyCheck, emptyCheckHolder } from './empty-check.ts';
import { dynamicLabels, labels } from './labels.ts';
import { placementOf } from './node-affinity.ts';
import type { KubernetesOptions } from './options.ts';
import {
  logDirectory,
  pipePath,
  recorderPort,
  recorderTokenVariable,
  startPath,
  toolsDirectory,
} from './pod-wire.ts';
import { volumeAccess } from './volume-access.ts';

/** What an image runs when the Plan does not say (OCI image specification, "Image Configuration"). */
export interface ImageCommand {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

export type WorkerJobOptions = Pick<
  KubernetesOptions,
  'image' | 'imagePullPolicy' | 'imagePullSecrets' | 'worker'
>;

/** The containers of a worker's Pod. */
export const containerNames = { check: 'empty-check', main: 'main', log: 'log' } as const;

/** How long a worker that is stopped may take to end by itself. */
export const stopGraceSeconds = 10;

/** Whether the image's own command has to be known to make this worker: with a log it is started by way of the pipe. */
export const needsImageCommand = ({ log, entrypoint }: WorkerSpec): boolean =>
  log !== undefined && entrypoint === undefined;

/**
 * How it comes that main never runs on outputs that are not empty. An init container would do for all, but kubelet sees that one has
 * ended only when it looks again, up to a second later. A hook of a container that comes before main is waited for, and while it has
 * not succeeded there is nothing that main could be started by; for that main's command has to be known.
 */
function checkedBy({ log, entrypoint, outputs }: WorkerSpec): 'hook' | 'init container' | 'nobody' {
  if (log !== undefined) return 'hook';
  if (outputs.length === 0) return 'nobody';
  return entrypoint === undefined ? 'init container' : 'hook';
}

/** What a worker's Job is made of beside its spec and the options. */
export interface WorkerJobFacts {
  /** Needed when `needsImageCommand` says so. */
  readonly imageCommand?: ImageCommand;
  /** What whoever reads the log from the recorder has to know. */
  readonly recorderToken: string;
}

/** The Job of a worker (spec page 5, "Worker: one Job per Run at most"). */
export function workerJob(spec: WorkerSpec, options: WorkerJobOptions, facts: WorkerJobFacts): Job {
  const { worker, imagePullSecrets } = options;
  const workerLabels = {
    ...dynamicLabels('worker'),
    [labels.runId]: spec.runId,
    [labels.planId]: spec.planId,
  };
  const { tolerations, nodeAffinity } = placementOf(spec.onNode);
  return {
    metadata: { name: spec.name, labels: workerLabels },
    spec: {
      backoffLimit: 0,
      // A Pod on a node that went away is not replaced while it may still run: only one writes to the outputs at a time.
      podReplacementPolicy: 'Failed',
      template: {
        metadata: {
          labels: workerLabels,
          annotations: {
            // A worker that is moved is a worker that is lost.
            'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
            'kubectl.kubernetes.io/default-container': containerNames.main,
          },
        },
        spec: {
          restartPolicy: 'Never',
          enableServiceLinks: false,
          automountServiceAccountToken: spec.serviceAccount !== undefined,
          ...(spec.serviceAccount !== undefined && { serviceAccountName: spec.serviceAccount }),
          ...(worker.priorityClass !== undefined && { priorityClassName: worker.priorityClass }),
          ...(imagePullSecrets.length > 0 && {
            imagePullSecrets: imagePullSecrets.map((name) => ({ name })),
          }),
          terminationGracePeriodSeconds: stopGraceSeconds,
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          tolerations: [...tolerations, ...nodeLossTolerations(worker.nodeLossSeconds)],
          ...(nodeAffinity && { affinity: { nodeAffinity } }),
          ...(checkedBy(spec) === 'init container' && {
            initContainers: [checkInitContainer(spec, options)],
          }),
          // Kubelet starts them in this order, each after the other's hook.
          containers: [
            ...(checkedBy(spec) === 'hook' ? [hookedContainer(spec, options, facts.recorderToken)] : []),
            mainContainer(spec, facts.imageCommand),
          ],
          volumes: podVolumes(spec),
        },
      },
    },
  };
}

/** How long the worker stays on a node that does not answer (Kubernetes, "Taints and Tolerations", "Taint based Evictions"). */
const nodeLossTolerations = (tolerationSeconds: number): Toleration[] =>
  ['node.kubernetes.io/unreachable', 'node.kubernetes.io/not-ready'].map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  }));

const ownResources = { requests: { cpu: '10m', memory: '16Mi' }, limits: { memory: '64Mi' } };
const recorderResources = { requests: { cpu: '10m', memory: '48Mi' }, limits: { memory: '128Mi' } };

const checkInitContainer = (spec: WorkerSpec, { image, imagePullPolicy }: WorkerJobOptions): Container => ({
  name: containerNames.check,
  image,
  imagePullPolicy,
  command: emptyCheck(outputPaths(spec), { isHook: false }).map(literal),
  resources: ownResources,
  securityContext: volumeAccess,
  volumeMounts: outputMounts(spec),
});

/** The log recorder, or where there is no log a container for the check alone. */
function hookedContainer(
  spec: WorkerSpec,
  { image, imagePullPolicy }: WorkerJobOptions,
  token: string,
): Container {
  return {
    image,
    imagePullPolicy,
    securityContext: volumeAccess,
    // Commands of hooks are taken as they are.
    lifecycle: { postStart: { exec: { command: emptyCheck(outputPaths(spec), { isHook: true }) } } },
    ...(spec.log === undefined ? holderParts() : recorderParts(token)),
    volumeMounts: [
      toolsMount,
      ...outputMounts(spec),
      ...(spec.log ? [{ name: 'log', mountPath: logDirectory }] : []),
    ],
  };
}

const holderParts = () => ({
  name: containerNames.check,
  command: emptyCheckHolder.map(literal),
  resources: ownResources,
});

const recorderParts = (token: string) => ({
  name: containerNames.log,
  args: ['log-recorder'],
  // Whoever may read Pods of this namespace may read this, and the log as well.
  env: [{ name: recorderTokenVariable, value: token }],
  ports: [{ name: 'log', containerPort: recorderPort }],
  resources: recorderResources,
});

function mainContainer(spec: WorkerSpec, imageCommand: ImageCommand | undefined): Container {
  return {
    name: containerNames.main,
    image: spec.image,
    ...commandOf(spec, imageCommand),
    env: Object.entries(spec.env).map(([name, value]) => ({ name, value: literal(value) })),
    resources: { limits: { ...spec.resources } },
    securityContext: { allowPrivilegeEscalation: false },
    volumeMounts: [
      ...spec.inputs.map(({ path, volume }) => ({
        name: volumeName(spec, volume),
        mountPath: path,
        readOnly: true,
      })),
      ...outputMounts(spec),
      // A pipe can be written to even so.
      ...(checkedBy(spec) === 'hook' ? [{ ...toolsMount, readOnly: true }] : []),
    ],
  };
}

/**
 * By way of us, a shell becomes the command, with a log after it has opened the pipe: no process of ours stays, so that signals, exit
 * code and the end for want of memory are the program's own, and what it prints waits until it is recorded.
 */
function commandOf(
  spec: WorkerSpec,
  imageCommand: ImageCommand | undefined,
): Pick<Container, 'command' | 'args'> {
  const { entrypoint, args, log } = spec;
  if (checkedBy(spec) !== 'hook') {
    return {
      ...(entrypoint && { command: entrypoint.map(literal) }),
      ...(args && { args: args.map(literal) }),
    };
  }
  const command =
    entrypoint === undefined
      ? [...(imageCommand?.entrypoint ?? []), ...(args ?? imageCommand?.command ?? [])]
      : [...entrypoint, ...(args ?? [])];
  const script = log === undefined ? execute : `exec >${pipePath} 2>&1; ${execute}`;
  return { command: [startPath, 'sh', '-c', script, 'sh', ...command].map(literal) };
}

/**
 * Becomes the program that the image has by that name. It is looked for here: busybox's own `exec` would take a program of its own
 * where it has one of that name (`date`, `tar`, `sh`).
 */
const execute = [
  'case $1 in */*) exec "$@";; esac',
  'set -f; IFS=:',
  'for d in $PATH; do [ "$d" ] || d=.; p=$d/$1; if [ -f "$p" ] && [ -x "$p" ]; then shift; exec "$p" "$@"; fi; done',
  'echo "$1: not found" >&2; exit 127',
].join('\n');

const toolsMount: VolumeMount = { name: 'knit', mountPath: toolsDirectory };

function podVolumes(spec: WorkerSpec): Volume[] {
  return [
    ...distinctVolumes(spec).map((claimName, at) => ({
      name: `data-${at}`,
      persistentVolumeClaim: { claimName },
    })),
    ...(spec.log ? [{ name: 'log', persistentVolumeClaim: { claimName: spec.log.volume } }] : []),
    ...(checkedBy(spec) === 'hook' ? [{ name: toolsMount.name, emptyDir: {} }] : []),
  ];
}

/** One Data may be given to several inputs, and some drivers of storage can't mount a claim twice in a Pod under two names. */
const distinctVolumes = ({ inputs, outputs }: WorkerSpec): string[] => [
  ...new Set([...inputs, ...outputs].map(({ volume }) => volume)),
];

const volumeName = (spec: WorkerSpec, volume: string): string =>
  `data-${distinctVolumes(spec).indexOf(volume)}`;

const outputMounts = (spec: WorkerSpec): VolumeMount[] =>
  spec.outputs.map(({ path, volume }) => ({ name: volumeName(spec, volume), mountPath: path }));

/** Kubernetes replaces `$(NAME)` in commands and environments; two `$` stand for one. */
const literal = (text: string): string => text.replaceAll('$', '$$$$');

const outputPaths = ({ outputs }: WorkerSpec): string[] => outputs.map(({ path }) => path);
