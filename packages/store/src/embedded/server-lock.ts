import type { Command } from './run-as.ts';

/** The file, below the cluster's home, whose lock the processes of its server hold. */
export const lockFile = 'server.lock';

/** The descriptor that the program gets the open lock file on. */
const lockDescriptor = 3;

/** Exit code for "another one holds it": EX_TEMPFAIL of sysexits(3). */
export const takenExitCode = 75;

/**
 * Runs a program under the lock of its cluster: it and all its descendants hold it, and it is free when the last of them
 * is gone, however that was. PostgreSQL's own lock keeps two servers from working on one cluster, too, but when both find
 * the file of a dead server at the same moment, one can remove the file of the other, which then shuts down a minute later.
 * Where there is no flock(1), as on macOS, PostgreSQL's own lock has to do.
 */
export function underLock({ file, args, options }: Command): Command {
  const script = `if command -v flock > /dev/null; then flock -n ${lockDescriptor} || exit ${takenExitCode}; fi; exec "$@"`;
  return { file: '/bin/sh', args: ['-c', script, 'sh', file, ...args], options };
}
