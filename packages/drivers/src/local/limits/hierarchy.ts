import { execFile } from 'node:child_process';
import { readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isAtOrBelow, type Mount } from '../mount-table.ts';
import { directoriesOf, type LimitGroups } from './limit-groups.ts';

const run = promisify(execFile);

/** The control groups that this process is in, by controller; that of version 2 by the empty name (cgroups(7)). */
export function ownGroups(): ReadonlyMap<string, string> {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
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
export function removeIfUnused(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // It is used, or gone.
  }
}

/**
 * Writes a setting, which takes the kernel no time.
 * @param isOptional whether the kernel may lack it
 */
export function set(group: string, setting: string, value: string | number, isOptional = false): void {
  try {
    writeFileSync(join(group, setting), String(value), { flag: 'r+' });
  } catch (error) {
    if (!isOptional || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** The length of the periods in which CPU time is given out, in microseconds: the kernel's own choice. */
const period = 100_000;
/** The least that the kernel accepts. */
const minQuota = 1000;

/** CPU time for so many cores in each period, in microseconds. */
export const cpuQuota = (cores: number) => ({
  quota: Math.max(minQuota, Math.round(cores * period)),
  period,
});

/** Removes what another server, in another group, had made for its workers, once the last of them is gone. */
export function tidyAround(groups: LimitGroups, kept: readonly string[]): void {
  const parents = directoriesOf(groups).map((directory) => dirname(directory));
  for (const parent of parents.filter((each) => !kept.includes(each))) removeIfUnused(parent);
}

/** What to do where the user may not make groups. */
export const rightsAdvice =
  'only root may set them, or a user to whom systemd delegates: systemd-run --user --scope -p Delegate=yes knit up';
