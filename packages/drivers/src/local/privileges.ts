import type { SystemTools } from './system-tools.ts';

/**
 * What root's workers may still do: what containers may (the default of Docker's engine and of containerd), less making device
 * files. With more, a worker could mount, and so change, its inputs and the machine's own disks.
 */
const keptCapabilities = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'audit_write',
  'setfcap',
];

/** How a process gets into namespaces of its own, and how it then gives up the rights that it needed there. */
export interface Privileges {
  readonly isRoot: boolean;
  /** Runs a command in mount, process and IPC namespaces of its own, as process 1; all end when `unshare` ends. */
  readonly enter: readonly string[];
  /** Runs a command with no more rights than the user's code should have. */
  readonly drop: readonly string[];
  /** Runs a command in the process namespace of a process. */
  join(pid: number): readonly string[];
}

/**
 * As root the namespaces alone; as an ordinary user within a user namespace, where the user is root while the file systems are
 * mounted, and oneself again (in a second one) while the code runs, lest programs that refuse to run as root do so.
 */
export function privilegesOf(tools: SystemTools, { uid, gid }: { uid: number; gid: number }): Privileges {
  const isRoot = uid === 0;
  const namespaces = ['--mount', '--pid', '--ipc', '--fork', '--kill-child=KILL'];
  return {
    isRoot,
    enter: [tools.unshare, ...(isRoot ? [] : ['--user', '--map-root-user']), ...namespaces, '--'],
    drop: isRoot
      ? [
          tools.setpriv,
          '--bounding-set',
          ['-all', ...keptCapabilities.map((name) => `+${name}`)].join(','),
          '--',
        ]
      : [tools.unshare, '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--'],
    join: (pid) => [
      tools.nsenter,
      `--target=${pid}`,
      ...(isRoot ? [] : ['--user', '--preserve-credentials']),
      '--pid',
      '--',
    ],
  };
}
