import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** What tells a process from any other, also from a later one with the same number. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** When it started, in ticks since the machine did, where the system tells (Linux). */
  readonly started?: string;
}

export const thisProcess = (): ProcessIdentity => identify(process.pid);

/** Whether the process runs on this machine now. */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.host !== hostname() || !exists(identity.pid)) return false;
  return identity.started === undefined || identify(identity.pid).started === identity.started;
}

function identify(pid: number): ProcessIdentity {
  const started = startOf(pid);
  return { host: hostname(), pid, ...(started !== undefined && { started }) };
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // somebody else's
  }
}

/** Fields 3 and 22 of /proc/PID/stat (proc(5)); the name before them may hold spaces and parentheses. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended, and not yet reaped' : fields[19];
  } catch {
    return undefined;
  }
}
