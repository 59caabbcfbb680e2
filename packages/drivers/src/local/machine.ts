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
 * The directory over which a copy-on-write layer has to lie so that files can be made at `path`; `/` has one always.
 *
 * The kernel lets root lay one over the root file system, but over no directory with other mounts in it that an ordinary user is
 * not allowed to undo (they would uncover what they hide). So it is the outermost directory without any.
 * @returns undefined when there is none
 */
export function layerFor(machine: Machine, path: string): string | undefined {
  const { isRoot, mounts } = machine;
  const mount = mountOf(mounts, path)?.target ?? '/';
  if (isRoot && mount === '/') return '/';
  const steps = path.split('/').slice(1);
  if (!isRoot && !isDirectory(`/${steps[0]}`)) return '/';
  return steps
    .map((_, index) => `/${steps.slice(0, index + 1).join('/')}`)
    .filter((directory) => isAtOrBelow(directory, mount) && canBeLower(directory))
    .find((directory) => !mounts.some(({ target }) => isBelow(target, directory)) && isDirectory(directory));
}

/** These characters have a meaning in the options of an overlay file system. */
const canBeLower = (directory: string): boolean => !/[\\:,"']/.test(directory);

export function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
