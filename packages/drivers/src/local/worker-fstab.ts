import { relative } from 'node:path';
import { type FstabLine, formatFstab } from './fstab.ts';
import type { Machine } from './machine.ts';
import type { MountPoint } from './mount-point.ts';
import { isBelow } from './mount-table.ts';
import { fromWorker, type Places } from './places.ts';
import { lockedOptions, type RootFileSystem, withLocked } from './root-file-system.ts';

/** A volume, and where a worker sees it. */
export interface VolumeMount extends MountPoint {
  readonly directory: string;
  readonly isWritable: boolean;
}

/** The directory for temporary files in a worker's own: on disk, as in memory they would count towards its limit. */
export const temporaryDirectory = 'tmp';

/** All mounts of a worker, in order, as a file for `mount`, which has to be run in the worker's directory. */
export function workerFstab(root: RootFileSystem, places: Places, volumes: readonly VolumeMount[]): string {
  const { machine, beneath, above } = root;
  const layers = [...new Set([...root.layers, ...volumes.flatMap(({ layer }) => layer ?? [])])];
  const layerFstabs = new Map(
    layers.map((directory, index) => {
      const mountPoints = volumes.filter(({ layer }) => layer === directory).map(({ path }) => path);
      return [directory, layerFstab(root, places, { directory, mountPoints, scratch: String(index) })];
    }),
  );
  const take = (directory: string): string | undefined => {
    const fstab = layerFstabs.get(directory);
    layerFstabs.delete(directory);
    return fstab;
  };
  const own = [
    ...above,
    ...machine.temporary.map(temporaryLine),
    ...volumes.map((volume) => volumeLine(machine, volume)),
  ];
  return [
    formatFstab([{ source: 'tmpfs', target: places.scratch, type: 'tmpfs', options: ['mode=755'] }]),
    take('/'),
    // A layer takes the place of what it lies over: further mounts in that come after it.
    ...beneath.map((line) => take(line.target) ?? formatFstab([line], places.root)),
    ...layerFstabs.values(),
    formatFstab(own, places.root),
  ].join('');
}

interface Layer {
  readonly directory: string;
  /** What has to be there to be mounted on. */
  readonly mountPoints: readonly string[];
  /** The directory in the scratch space where it keeps what is written to it: in memory, gone with the worker. */
  readonly scratch: string;
}

/**
 * A copy-on-write layer. Directories in its scratch space are made by mounting something on directories within them: that takes
 * microseconds, and another program would take a millisecond. What stays of that in the layer does no harm: directories that are
 * there anyway, or that have to be.
 */
function layerFstab(
  { machine, skeleton }: RootFileSystem,
  places: Places,
  { directory, mountPoints, scratch }: Layer,
): string {
  const lower = directory === '/' && skeleton !== undefined ? skeleton : directory;
  const within = mountPoints.length > 0 ? mountPoints : [somethingIn(directory, machine.home)];
  const made = ['work/made', ...within.map((path) => `upper/${relative(directory, path)}`)];
  const options = [
    `lowerdir=${lower}`,
    `upperdir=${fromWorker.scratch}/${scratch}/upper`,
    `workdir=${fromWorker.scratch}/${scratch}/work`,
    ...(machine.isRoot ? [] : ['userxattr']),
    ...lockedOptions(machine, directory),
  ];
  const makeLines = made.map((path) => ({
    source: places.empty,
    target: `${places.scratch}/${scratch}/${path}`,
    type: 'none',
    options: ['bind', 'X-mount.mkdir'],
  }));
  return (
    formatFstab(makeLines) +
    formatFstab([{ source: 'overlay', target: directory, type: 'overlay', options }], places.root)
  );
}

/** A directory that is there, or that nobody minds. */
function somethingIn(directory: string, home: string | undefined): string {
  if (directory === '/') return '/proc';
  return home !== undefined && isBelow(home, directory) ? home : `${directory}/.cache`;
}

const temporaryLine = (target: string): FstabLine => ({
  source: temporaryDirectory,
  target,
  type: 'none',
  options: ['bind'],
});

function volumeLine(machine: Machine, { directory, path, isWritable }: VolumeMount): FstabLine {
  const options = ['X-mount.mkdir', 'bind', ...(isWritable ? [] : ['ro'])];
  return withLocked(machine, { source: directory, target: path, type: 'none', options });
}
