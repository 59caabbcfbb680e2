import { availableParallelism } from 'node:os';
import { parseQuantity } from '@knitfab/core';
import type { WorkerSpec } from '@knitfab/engine';

/** Marks what belongs to a server, for it to find again, and for others to leave alone. */
export const labels = {
  server: 'knit.server',
  worker: 'knit.worker',
  run: 'knit.run',
  plan: 'knit.plan',
} as const;

export interface ContainerParts {
  readonly spec: WorkerSpec;
  /** `sha256:HEX`: a name might lead to another image by now. */
  readonly imageId: string;
  /** Which server's it is. */
  readonly server: string;
  readonly directoryOf: (volume: string) => string;
  /** The network's name; the engine's default when left out. */
  readonly network: string | undefined;
  readonly graphicsCards: readonly number[];
  readonly isLimited: boolean;
  readonly hasSelinux: boolean;
  readonly isPodman: boolean;
  /** Where Podman is to write the log. */
  readonly podmanLog: string;
}

/** The body of `POST /containers/create` (Docker Engine API 1.43) for a worker: its volumes and nothing else of the machine. */
export function containerSpec(parts: ContainerParts): object {
  const { spec, imageId, server, network, isPodman, podmanLog } = parts;
  return {
    Image: imageId,
    // Without an entrypoint the image's own gets the args; with one and without args, the image's own command is not used.
    ...(spec.entrypoint && { Entrypoint: spec.entrypoint }),
    ...(spec.args && { Cmd: spec.args }),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: {
      [labels.server]: server,
      [labels.worker]: spec.name,
      [labels.run]: spec.runId,
      [labels.plan]: spec.planId,
    },
    HostConfig: {
      Mounts: mounts(parts),
      ...(parts.isLimited && limits(spec)),
      ...(network !== undefined && { NetworkMode: network }),
      SecurityOpt: ['no-new-privileges', ...(parts.hasSelinux ? ['label=disable'] : [])],
      RestartPolicy: { Name: 'no' },
      LogConfig: isPodman ? { Type: 'k8s-file', Config: { path: podmanLog } } : dockerLog,
      ...(parts.graphicsCards.length > 0 && { DeviceRequests: [graphicsCards(parts)] }),
    },
  };
}

/**
 * Docker's only driver that keeps all bytes as they are (`json-file` replaces those that are not UTF-8), without the limit of
 * 100 MB that it has by default.
 */
const dockerLog = { Type: 'local', Config: { 'max-size': '1000000g', 'max-file': '1', compress: 'false' } };

const mounts = ({ spec, directoryOf }: ContainerParts): object[] => [
  ...spec.inputs.map(({ path, volume }) => bind(directoryOf(volume), path, true)),
  ...spec.outputs.map(({ path, volume }) => bind(directoryOf(volume), path, false)),
];

const bind = (source: string, target: string, isReadOnly: boolean) => ({
  Type: 'bind',
  Source: source,
  Target: target,
  ReadOnly: isReadOnly,
});

/** To limit a worker to all the cores that there are would only cost time. */
function limits({ resources: { cpu = '0', memory = '0' } }: WorkerSpec): object {
  const cores = parseQuantity(cpu);
  const bytes = Math.floor(parseQuantity(memory));
  return {
    ...(cores > 0 && cores < availableParallelism() && { NanoCpus: Math.round(cores * 1e9) }),
    // No swap beyond it: a worker that needs more is ended rather than slowed down.
    ...(bytes > 0 && { Memory: bytes, MemorySwap: bytes }),
  };
}

const graphicsCards = ({ graphicsCards: cards, isPodman }: ContainerParts): object =>
  isPodman
    ? { Driver: 'cdi', DeviceIDs: cards.map((card) => `nvidia.com/gpu=${card}`) }
    : { Driver: 'nvidia', DeviceIDs: cards.map(String), Capabilities: [['gpu']] };
