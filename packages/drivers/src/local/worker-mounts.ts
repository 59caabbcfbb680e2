import { join } from 'node:path';
import { type FstabLine, formatFstab } from './fstab.ts';
import type { Machine } from './machine.ts';
import type { MountPoint } from './mount-point.ts';
import type { Places } from './places.ts';
import { type RootFileSystem, withLocked } from './root-file-system.ts';

/** What a machine makes of {@link RootFileSystem}, found out by trying. */
export interface View {
  readonly root: RootFileSystem;
  /** The directory that lies under an ordinary user's `/`. */
  readonly skeleton: string;
  /** Where copy-on-write layers keep what is written: in the worker's directory, or in memory where its file system can't. */
  readonly scratch: 'disk' | 'memory';
}

/** A volume, and where a worker sees it. */
export interface VolumeMount extends MountPoint {
  readonly directory: string;
  readonly isWritable: boolean;
}

/** What has to be there before a worker can be launched; directories are relative to the worker's. */
export interface WorkerMounts {
  readonly fstab: string;
  /** With the rights of /tmp. */
  readonly temporary: readonly string[];
  readonly scratch: readonly string[];
}

export function workerMounts(
  { root, skeleton }: View,
  places: Places,
  worker: string,
  volumes: readonly VolumeMount[],
): WorkerMounts {
  const { machine } = root;
  const layers = [...new Set([...root.layers, ...volumes.flatMap(({ layer }) => layer ?? [])])];
  const layerLines = layers.map((directory, index) => layerLine(machine, directory, { index, skeleton }));
  const temporary = machine.temporary.map((target, index) => ({ target, directory: `tmp-${index}` }));
  const lines = [
    ...layerLines.slice(0, 1),
    ...root.beneath,
    ...layerLines.slice(1),
    ...root.above,
    ...temporary.map(({ target, directory }) => ({
      source: join(worker, directory),
      target,
      type: 'none',
      options: ['bind'],
    })),
    ...volumes.map((volume) => volumeLine(machine, volume)),
  ];
  return {
    fstab: formatFstab(lines, places.root),
    temporary: temporary.map(({ directory }) => directory),
    scratch: layers.flatMap((layer, index) => [
      `scratch/work-${index}`,
      `scratch/upper-${index}`,
      ...volumes.filter((volume) => volume.layer === layer).flatMap((volume) => made(machine, volume, index)),
    ]),
  };
}

function layerLine(
  { isRoot }: Machine,
  directory: string,
  { index, skeleton }: { index: number; skeleton: string },
): FstabLine {
  const lower = directory === '/' && !isRoot ? skeleton : directory;
  return {
    source: 'overlay',
    target: directory,
    type: 'overlay',
    options: [
      `lowerdir=${lower}`,
      // Relative to the worker's directory, whose path may have characters that would mean something here.
      `upperdir=scratch/upper-${index}`,
      `workdir=scratch/work-${index}`,
      // It is thrown away: what is written to it need not reach the disk.
      'volatile',
      ...(isRoot ? [] : ['userxattr']),
    ],
  };
}

/**
 * The directories of a mount point that an ordinary user could not make in a layer, as those around it belong to someone else:
 * they are put into the layer before it is mounted.
 */
function made({ isRoot }: Machine, { layer, path }: VolumeMount, index: number): string[] {
  if (isRoot || layer === undefined) return [];
  return [`scratch/upper-${index}${path.slice(layer.length)}`];
}

function volumeLine(machine: Machine, { directory, path, isWritable }: VolumeMount): FstabLine {
  const options = ['X-mount.mkdir', 'bind', ...(isWritable ? [] : ['ro'])];
  return withLocked(machine, { source: directory, target: path, type: 'none', options });
}
