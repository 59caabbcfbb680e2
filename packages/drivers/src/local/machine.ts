import { type Dirent, lstatSync } from 'node:fs';
import { isAtOrBelow, isBelow, type Mount, mountOf } from './mount-table.ts';

/** What of the machine decides how a worker's root file system can be made. */
export interface Machine {
  /** Whether this process is root, and not an ordinary user. */
  readonly isRoot: boolean;
  readonly mounts: readonly Mount[];
  /** The entries of `/` */
  readonly topLevel: readonly Dirent[];
  readonly home: string | undefined;
  /** Directories for passing files; each worker has its own. */
  readonly temporary: readonly string[];
  /** Directories that workers see empty: above all those of this server. */
  readonly hidden: readonly string[];
}

/** What workers get in place of the machine's own. */
export const replaced = ['/proc', '/sys', '/dev'] as const;

/** Whether a worker has something else in this place than the machine. */
export const isReplaced = ({ temporary }: Machine, path: string): boolean =>
  [...replaced, ...temporary].some((directory) => isAtOrBelow(path, directory));

/**
 * The directory over which a copy-on-write layer has to lie so that files can be made at `path`; `/` has one always. For root, it is
 * the mount that holds the path. The kernel lets an ordinary user lay none over a directory with other mounts in it (those may be
 * there to hide something), so it is the outermost directory without any.
 * @returns undefined when there is none
 */
export function layerFor(machine: Machine, path: string): string | undefined {
  const directory = machine.isRoot ? mountOf(machine.mounts, path)?.target : outermost(machine, path);
  return directory !== undefined && canBeLower(directory) ? directory : undefined;
}

function outermost({ mounts }: Machine, path: string): string | undefined {
  const mount = mountOf(mounts, path)?.target ?? '/';
  const steps = path.split('/').slice(1);
  if (!isDirectory(`/${steps[0]}`)) return '/';
  return steps
    .map((_, index) => `/${steps.slice(0, index + 1).join('/')}`)
    .filter((directory) => isAtOrBelow(directory, mount))
    .find((directory) => !mounts.some(({ target }) => isBelow(target, directory)) && isDirectory(directory));
}

/** These characters have a meaning in the options of an overlay file system. */
const canBeLower = (directory: string): boolean => !/[\\:,"']/.test(directory);

export function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
