import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readPidFile } from './pid-file.ts';
import { poll } from './polling.ts';
import type { RunAs } from './run-as.ts';
import type { RunningServer } from './running-server.ts';
import { lockFile, takenExitCode, underLock } from './server-lock.ts';
import { lastWords, openLog } from './server-log.ts';
import { type Settings, settingArguments } from './settings.ts';
import { socketFolder } from './socket-directory.ts';
import { type Software, softwareFolder } from './software.ts';

export interface LaunchProps {
  readonly home: string;
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
 * @returns `taken` when processes of another server of the cluster are running; its last words when it ended
 */
export async function launch(
  props: LaunchProps,
): Promise<RunningServer | 'taken' | { readonly lastWords: string }> {
  const { home, dataDirectory, socketDirectory, logFile } = props;
  const { file, args, options } = underLock(
    props.run(
      join(props.software.directory, 'bin/postgres'),
      ['-D', dataDirectory, ...settingArguments({ ...props.settings, ...ownSettings(socketDirectory) })],
      ['data', socketFolder, softwareFolder],
    ),
  );
  await using files = new AsyncDisposableStack();
  const log = files.use(await openLog(logFile));
  const lock = files.use(await open(join(home, lockFile), 'a', 0o600));
  const { size: logStart } = await log.stat();
  const server = spawn(file, args, {
    ...options,
    env: { ...options.env, ...(await staleServer(dataDirectory)) },
    detached: true,
    stdio: ['ignore', log.fd, log.fd, lock.fd],
  });
  await once(server, 'spawn');
  server.unref();
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()));

  await poll(async () => {
    if (server.exitCode !== null || server.signalCode !== null) return 'ended';
    const pidFile = await readPidFile(dataDirectory);
    return pidFile?.pid === server.pid && pidFile?.status === 'ready' ? 'ready' : undefined;
  });
  if (server.exitCode === takenExitCode) return 'taken';
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) {
    return { lastWords: await lastWords(logFile, logStart) };
  }
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
