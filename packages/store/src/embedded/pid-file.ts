import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What a server says of itself in `postmaster.pid`. Source: PostgreSQL, src/include/utils/pidfile.h. */
export interface PidFile {
  readonly pid: number;
  /** Empty until the server has made its socket. */
  readonly socketDirectory: string;
  readonly status: 'starting' | 'ready' | 'stopping';
}

/** Reads `postmaster.pid`; undefined when there is none. It may be the one of a server that was killed. */
export async function readPidFile(dataDirectory: string): Promise<PidFile | undefined> {
  const text = await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '';
      throw error;
    },
  );
  const [pid = '', , , , socketDirectory = '', , , status = ''] = text.split('\n');
  if (!/^-?\d+$/.test(pid)) return undefined;
  const word = status.trim();
  return {
    pid: Math.abs(Number(pid)),
    socketDirectory,
    status: word === 'ready' || word === 'stopping' ? word : 'starting',
  };
}

/**
 * Whether the process `pid` really is a server of this cluster, and not one that has got the number of a dead server.
 * A zombie is none.
 */
export async function isServerOf(dataDirectory: string, pid: number): Promise<boolean> {
  try {
    if (process.platform !== 'linux') return await hasCommand(pid, dataDirectory);
    const [cwd, data, command] = await Promise.all([
      stat(`/proc/${pid}/cwd`),
      stat(dataDirectory),
      readFile(`/proc/${pid}/comm`, 'utf8'),
    ]);
    return cwd.dev === data.dev && cwd.ino === data.ino && command.trim() === 'postgres';
  } catch {
    return false;
  }
}

async function hasCommand(pid: number, dataDirectory: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)]);
  return stdout.includes('postgres') && stdout.includes(dataDirectory);
}
