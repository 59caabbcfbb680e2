import { execFile } from 'node:child_process';
import { readFile, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isAtOrBelow, type Mount } from '../mount-table.ts';
import { directoriesOf, type LimitGroups } from './limit-groups.ts';

const run = promisify(execFile);

/** The control groups that this process is in, by controller; that of version 2 by the empty name (cgroups(7)). */
export async function ownGroups(): Promise<ReadonlyMap<string, string>> {
  const lines = (await readFile('/proc/self/cgroup', 'utf8')).trim().split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return controllers.split(',').map((controller) => [controller, path] as const);
    }),
  );
}

/** Where a group is seen in a mounted hierarchy, and the groups around it, from the inside out. */
export function groupAndAncestors({ target, origin }: Mount, group: string): string[] {
  if (!isAtOrBelow(group, origin)) return [target];
  const own = join(target, group.slice(origin === '/' ? 0 : origin.length));
  const found = [];
  for (let each = own; isAtOrBelow(each, target); each = dirname(each)) {
    found.push(each);
    if (each === '/') break;
  }
  return found;
}

/** Whether a child of this process may join the group: that takes more rights than to make it (cgroups(7), "Delegation"). */
export async function canJoin(directory: string): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'echo 0 >"$1"', 'knit-limits', join(directory, 'cgroup.procs')]);
    return true;
  } catch {
    return false;
  }
}

/** Removes a group unless something is in it. */
export async function removeIfUnused(directory: string): Promise<void> {
  await rmdir(directory).catch(() => {});
}

/** Removes what another server, in another group, had made for its workers, once the last of them is gone. */
export async function tidyAround(groups: LimitGroups, kept: readonly string[]): Promise<void> {
  const parents = directoriesOf(groups).map((directory) => dirname(directory));
  await Promise.all(parents.filter((parent) => !kept.includes(parent)).map(removeIfUnused));
}

/** What to do where the user may not make groups. */
export const rightsAdvice =
  'only root may set them, or a user to whom systemd delegates: systemd-run --user --scope -p Delegate=yes knit up';
