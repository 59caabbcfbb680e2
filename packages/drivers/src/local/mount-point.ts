import { lstatSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { Invalid } from '@knitfab/core';
import { isDirectory, isReplaced, layerFor, type Machine, replaced } from './machine.ts';
import { isAtOrBelow } from './mount-table.ts';
import { isHidden } from './root-file-system.ts';

/** Where a Data can be mounted in a worker's root file system. */
export interface MountPoint {
  /** The path that the Plan names, without symbolic links. */
  readonly path: string;
  /** The directory that needs a copy-on-write layer, so that the mount point can be made; none where there is one already. */
  readonly layer?: string;
}

/**
 * Finds where a Plan's path really is: workers see the machine's directories, in which the path may exist, lead through symbolic
 * links, or be missing. It is never followed while mounting, when a link would lead out of the new root.
 * @throws {Invalid} where no Data can be mounted
 */
export function mountPoint(machine: Machine, path: string): MountPoint {
  const { resolved, existing } = resolve(machine, path);
  const named = resolved === path ? path : `${path} (which is ${resolved} on this machine)`;
  if (replaced.some((directory) => isAtOrBelow(resolved, directory))) {
    throw refused(`${named} is where the system shows its devices and processes`);
  }
  if (essential.test(resolved)) {
    throw refused(`a Data at ${named} would hide the machine's own programs and libraries from the code`);
  }
  if (isHidden(machine, resolved)) {
    throw refused(`${named} is in the data directory of this server, which workers don't see`);
  }
  if (existing === resolved || isReplaced(machine, resolved)) return { path: resolved };
  const layer = layerFor(machine, existing === '/' ? resolved : existing);
  if (layer === undefined) {
    throw refused(
      `${named} does not exist on this machine, and there are other file systems mounted in ${existing}, so that it can't be made there`,
    );
  }
  return layer === '/' ? { path: resolved } : { path: resolved, layer };
}

/** The directories without which no program starts. */
const essential = /^\/((usr\/)?(bin|sbin|lib[^/]*)|usr|etc)?$/;

const refused = (reason: string): Invalid =>
  new Invalid({
    reason,
    advice: 'Use another path for this input or output, such as one below /in or /out.',
  });

/** As many as the kernel follows (path_resolution(7)). */
const maxLinks = 40;

/** @returns the path without links, and its longest part that exists as a directory */
function resolve(machine: Machine, path: string): { resolved: string; existing: string } {
  let current = '/';
  let rest = path.split('/').filter((part) => part !== '');
  for (let links = 0; ; ) {
    const [part, ...others] = rest;
    if (part === undefined) return { resolved: current, existing: current };
    const next = part === '..' ? dirname(current) : `${current === '/' ? '' : current}/${part}`;
    if (isReplaced(machine, next)) return { resolved: [next, ...others].join('/'), existing: next };
    if (part === '..' || isDirectoryIn(next)) {
      current = next;
      rest = others;
      continue;
    }
    const link = linkAt(next, path);
    if (link === undefined) return { resolved: [next, ...others].join('/'), existing: current };
    if (++links > maxLinks) throw refused(`${path} leads through too many symbolic links`);
    if (link.startsWith('/')) current = '/';
    rest = [...link.split('/').filter((each) => each !== '' && each !== '.'), ...others];
  }
}

function isDirectoryIn(path: string): boolean {
  try {
    return isDirectory(path);
  } catch {
    return false;
  }
}

/** @returns where the link leads; undefined when there is nothing */
function linkAt(location: string, path: string): string | undefined {
  try {
    const stats = lstatSync(location, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (stats.isSymbolicLink()) return readlinkSync(location);
  } catch (error) {
    throw refused(`${path} can't be made: ${(error as Error).message}`);
  }
  throw refused(`${path} can't be made: ${location} is not a directory on this machine`);
}
