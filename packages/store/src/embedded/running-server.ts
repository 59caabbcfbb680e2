import { setTimeout as sleep } from 'node:timers/promises';
import { isServerOf, readPidFile } from './pid-file.ts';
import { poll } from './polling.ts';

/** A server that accepts connections. */
export interface RunningServer {
  readonly pid: number;
  readonly socketDirectory: string;
  readonly adopted: boolean;
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
}

/** Milliseconds between two looks whether an adopted server, which is not this process's child, still runs. */
const interval = 1000;

/**
 * Finds the server that is running on a cluster. One that is starting is waited for; one that is stopping is told not to
 * wait for its clients, and waited for until it is gone.
 * @returns undefined when there is none
 */
export async function findRunningServer(dataDirectory: string): Promise<RunningServer | undefined> {
  const found = await poll(async () => {
    const file = await readPidFile(dataDirectory);
    if (file === undefined || !(await isServerOf(dataDirectory, file.pid))) return 'none';
    if (file.status === 'stopping') send(file.pid, 'SIGINT');
    return file.status === 'ready' ? file : undefined;
  });
  if (found === undefined || found === 'none') return undefined;
  const { pid, socketDirectory } = found;
  return { pid, socketDirectory, adopted: true, gone: whenGone(dataDirectory, pid) };
}

async function whenGone(dataDirectory: string, pid: number): Promise<void> {
  while (await isServerOf(dataDirectory, pid)) await sleep(interval, undefined, { ref: false });
}

/** How a server is told to stop, and for how many milliseconds it is waited for before the next, harder way. */
const ways = [
  { mode: 'fast', signal: 'SIGINT', deadline: 15_000 },
  { mode: 'immediate', signal: 'SIGQUIT', deadline: 7_000 },
  { mode: 'killed', signal: 'SIGKILL', deadline: 5_000 },
] as const;

export type StopMode = 'fast' | 'immediate';

/** Stops the server `pid` of a cluster and waits until it is gone. */
export async function stopServer(dataDirectory: string, pid: number, mode: StopMode): Promise<void> {
  const isGone = async () => ((await isServerOf(dataDirectory, pid)) ? undefined : true);
  for (const { signal, deadline } of ways.slice(mode === 'fast' ? 0 : 1)) {
    if (await isGone()) return;
    send(pid, signal);
    if (await poll(isGone, deadline)) return;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
