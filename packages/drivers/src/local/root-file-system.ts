import { existsSync } from 'node:fs';
import type { FstabLine } from './fstab.ts';
import { isReplaced, layerFor, type Machine } from './machine.ts';
import { isAtOrBelow, isBelow, type Mount, mountOf } from './mount-table.ts';
import type { Places } from './places.ts';

/**
 * The root file system that workers see: the machine's own, of which nothing can be changed. In the order of mounting:
 *
 * 1. the root. For root's workers, a copy-on-write layer over the machine's. The kernel refuses that to ordinary users, as there
 *    are other mounts in it; they get a layer over a skeleton, a directory that has the same entries as `/`;
 * 2. what is mounted in it, read-only: each mount for root, each entry of `/` with all its mounts for ordinary users;
 * 3. copy-on-write layers in place of those where something is to be written or made all the same: the home directory, and paths of
 *    the Plan that don't exist;
 * 4. what is each worker's own: /proc, /sys, /dev; empty directories over what workers shall not see; temporary directories;
 * 5. the Run's inputs and outputs.
 */
export interface RootFileSystem {
  readonly machine: Machine;
  /** What lies under the root's layer in place of the machine's own, from a worker's directory. */
  readonly skeleton: string | undefined;
  readonly beneath: readonly FstabLine[];
  /** Directories with a copy-on-write layer over them, `/` first. */
  readonly layers: readonly string[];
  /** But for the temporary directories. */
  readonly above: readonly FstabLine[];
}

export function rootFileSystem(
  machine: Machine,
  skeleton: string | undefined,
  places: Places,
  devices: readonly FstabLine[],
): RootFileSystem {
  const home = machine.home === undefined ? undefined : layerFor(machine, machine.home);
  return {
    machine,
    skeleton,
    beneath: machine.isRoot ? mountsReadOnly(machine) : topLevelReadOnly(machine),
    layers: home === undefined || home === '/' || isReplaced(machine, home) ? ['/'] : ['/', home],
    above: [
      ...processes(machine, places),
      ...system(machine),
      ...devices.map((line) => withLocked(machine, line)),
      ...hidden(machine, places),
    ],
  };
}

/** File systems that show the kernel's state: where chroots and the like have them mounted, there is nothing to see for a worker. */
const pseudo = new Set(
  'autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl mqueue nsfs proc pstore rpc_pipefs securityfs selinuxfs sysfs tracefs'.split(
    ' ',
  ),
);

function mountsReadOnly(machine: Machine): FstabLine[] {
  return machine.mounts
    .filter(({ target, type }) => target !== '/' && !isReplaced(machine, target) && !pseudo.has(type))
    .map(({ target }) => mayBeGone(readOnly(machine, target)));
}

/** What has gone since the table was read is passed over. */
const mayBeGone = (line: FstabLine): FstabLine => ({
  ...line,
  options: [...line.options, 'nofail', 'X-mount.mkdir'],
});

function topLevelReadOnly(machine: Machine): FstabLine[] {
  return machine.topLevel
    .filter((entry) => (entry.isDirectory() || entry.isFile()) && !isReplaced(machine, `/${entry.name}`))
    .flatMap(({ name }) => [readOnly(machine, `/${name}`, 'rbind'), ...mountsBelow(machine, `/${name}`)]);
}

/** `rbind` brings along what is mounted below, and makes only the outermost read-only (util-linux before 2.39). */
const mountsBelow = (machine: Machine, directory: string): FstabLine[] =>
  machine.mounts
    .filter(({ target, type }) => isBelow(target, directory) && type !== 'autofs')
    .map(({ target }) => ({
      ...readOnly(machine, target),
      options: ['remount', ...readOnly(machine, target).options],
    }));

const readOnly = (machine: Machine, path: string, bind = 'bind'): FstabLine =>
  withLocked(machine, { source: path, target: path, type: 'none', options: [bind, 'ro'] });

export function withLocked(machine: Machine, line: FstabLine): FstabLine {
  if (!line.options.includes('ro')) return line;
  return { ...line, options: [...new Set([...line.options, ...lockedOptions(machine, line.source)])] };
}

/** An ordinary user may not take away these options of a mount, so they have to be named again when others change. */
export function lockedOptions({ mounts }: Machine, path: string): string[] {
  const options = mountOf(mounts, path)?.options ?? [];
  return ['nosuid', 'nodev', 'noexec'].filter((option) => options.includes(option));
}

/** Where root could change the machine by writing, also without further rights (proc(5)). */
const changingProcesses = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];

const processes = ({ isRoot }: Machine, { root }: Places): FstabLine[] => [
  { source: 'proc', target: '/proc', type: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
  ...(isRoot ? changingProcesses : [])
    .map((name) => `/proc/${name}`)
    .filter((path) => existsSync(path))
    .map((path) => ({
      source: `${root}${path}`,
      target: path,
      type: 'none',
      options: ['bind', 'ro', 'nosuid', 'nodev', 'noexec'],
    })),
];

/** With the control groups, where programs look for the limits they have to keep to. */
function system(machine: Machine): FstabLine[] {
  if (!machine.isRoot) return [readOnly(machine, '/sys', 'rbind'), ...mountsBelow(machine, '/sys')];
  const groups = machine.mounts.filter(
    ({ target, ...mount }) => isBelow(target, '/sys') && isForLimits(mount),
  );
  return ['/sys', ...groups.map(({ target }) => target)].map((path) => readOnly(machine, path));
}

const isForLimits = ({ type, fileSystemOptions }: Omit<Mount, 'target'>): boolean =>
  type === 'cgroup2' ||
  type === 'tmpfs' ||
  (type === 'cgroup' && ['memory', 'cpu', 'cpuset'].some((name) => fileSystemOptions.includes(name)));

const hidden = (machine: Machine, { empty }: Places): FstabLine[] =>
  machine.hidden
    .filter((target) => !isReplaced(machine, target))
    .map((target) => withLocked(machine, { source: empty, target, type: 'none', options: ['bind', 'ro'] }));

/** Whether a path lies in what workers shall not see. */
export const isHidden = (machine: Machine, path: string): boolean =>
  machine.hidden.some((directory) => isAtOrBelow(path, directory));
