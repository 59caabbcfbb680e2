import { readFileSync } from 'node:fs';

/** A process, told from a later one with the same id: none other with this id started at that moment. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after the machine's start (proc_pid_stat(5), `starttime`) */
  readonly started: string;
}

/** Reads the content of /proc/PID/stat; undefined when it is not complete. The program's name in it may have any characters. */
export function parseProcessStat(text: string): (ProcessIdentity & { state: string }) | undefined {
  const match = /^(\d+) \(.*\) (\S.*)$/s.exec(text.trim());
  const fields = match?.[2]?.split(' ') ?? [];
  const started = fields[19];
  if (started === undefined) return undefined;
  return { pid: Number(match?.[1]), state: fields[0] ?? '', started };
}

/** Whether the process is there, and more than a memory that its parent has not taken note of. */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  try {
    const now = parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return now?.started === started && !['Z', 'X'].includes(now.state);
  } catch (error) {
    // ESRCH: it ended while its file was being read.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** What tells this start of the machine from others (random(4)). */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** As workers' scripts tell the time, for want of a clock that a shell can read (proc_uptime(5)). */
export const secondsSinceBoot = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
