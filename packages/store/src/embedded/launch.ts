import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { readPidFile } from './pid-file.ts';
import { poll } from './polling.ts';
import type { RunAs } from './run-as.ts';
import type { RunningServer } from './running-server.ts';
import { lastWords, openLog } from './server-log.ts';
import { type Settings, settingArguments } from './settings.ts';
import { socketFolder } from './socket-directory.ts';
import { type Software, softwareFolder } from './software.ts';

export interface LaunchProps {
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly software: Software;
  readonly settings: Settings;
  readonly logFile: string;
  readonly run: RunAs;
}

/**
 * Starts a server, in a session of its own so that Ctrl-C in a terminal reaches this process alone, and waits until it
 * accepts connections, however long its recovery takes.
 * @returns its last words when it ended instead
 */
export async function launch(props: LaunchProps): Promise<RunningServer | { readonly lastWords: string }> {
  const { dataDirectory, socketDirectory, logFile } = props;
  const log = await openLog(logFile);
  const { size: logStart } = await log.stat();
  const { file, args, options } = props.run(
    join(props.software.directory, 'bin/postgres'),
    ['-D', dataDirectory, ...settingArguments({ ...props.settings, ...ownSettings(socketDirectory) })],
    ['data', socketFolder, softwareFolder],
  );
  const server = spawn(file, args, {
    ...options,
    env: { ...options.env, ...(await staleServer(dataDirectory)) },
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  try {
    await once(server, 'spawn');
  } finally {
    await log.close();
  }
  server.unref();
  let ended = false;
  const gone = once(server, 'exit').then(() => {
    ended = true;
  });

  const state = await poll(async () => {
    if (ended) return 'ended';
    const pidFile = await readPidFile(dataDirectory);
    return pidFile?.pid === server.pid && pidFile?.status === 'ready' ? 'ready' : undefined;
  });
  if (state === 'ended' || server.pid === undefined) return { lastWords: await lastWords(logFile, logStart) };
  return { pid: server.pid, socketDirectory, adopted: false, gone };
}

const ownSettings = (socketDirectory: string): Settings => ({
  // a list of names, in which quotes keep commas and spaces
  unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
});

/**
 * The pid of a dead server in `postmaster.pid` may be that of another process by now, and PostgreSQL would take it for a
 * live server. It knows better of a process that it is told to be its grandparent, as pg_ctl does, and still
 * checks that no process of the dead server is left. Source: PostgreSQL, CreateLockFile in utils/init/miscinit.c.
 */
async function staleServer(dataDirectory: string): Promise<Record<string, string>> {
  const stale = await readPidFile(dataDirectory);
  return stale === undefined ? {} : { PG_GRANDPARENT_PID: String(stale.pid) };
}
