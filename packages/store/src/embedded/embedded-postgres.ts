import { mkdir, realpath, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { KnitError, Unavailable } from '@knitfab/core';
import { serverAccount } from './account.ts';
import { database, hasCluster, makeCluster, user } from './cluster.ts';
import { launch } from './launch.ts';
import { poll } from './polling.ts';
import { runAs } from './run-as.ts';
import { findRunningServer, type RunningServer, type StopMode, stopServer } from './running-server.ts';
import { keepLogBounded, lastWords } from './server-log.ts';
import { type Settings, settings } from './settings.ts';
import { makeSocketDirectory, port, removeSocketDirectory } from './socket-directory.ts';
import { packagedSoftware, type Software, usableSoftware } from './software.ts';

export interface EmbeddedPostgresOptions {
  /** The home of the database: its cluster is in `data`, other folders beside it. Made when missing. */
  readonly directory: string;
  /** Where the server's messages go; `postgresql.log` in the directory when left out. */
  readonly logFile?: string;
  /** Settings of the server in place of the usual ones, such as `fsync: 'off'` for tests. */
  readonly settings?: Settings;
  /** PostgreSQL's programs; those of the npm package when left out. */
  readonly software?: Software;
}

/** A PostgreSQL server of one's own. It outlives this process unless it is stopped. */
export interface EmbeddedPostgres {
  /** A URL for any PostgreSQL client: `postgresql:///postgres?host=DIRECTORY_OF_THE_SOCKET&…` */
  readonly connectionString: string;
  readonly pid: number;
  /** Whether it was running already, because the process that started it was killed, or is another one. */
  readonly adopted: boolean;
  /** Resolves when the server is gone, stopped or not, with the last lines of its log. */
  readonly exited: Promise<string>;
  /**
   * Stops the server and waits until it is gone. `fast` breaks connections off and writes everything out; `immediate`
   * leaves that to the recovery of the next start. A server that doesn't follow is stopped the harder way.
   */
  stop(mode?: StopMode): Promise<void>;
}

/** What a server says when another one is starting at the same moment, or a killed one's processes are not all gone. */
const passing = /lock file ".*" (already exists|is empty)|pre-existing shared memory block/;
/** Milliseconds to wait for that to pass. */
const patience = 20_000;

/**
 * Starts the PostgreSQL server of a directory, making its database when there is none, or adopts the server that is
 * running there. Any number of processes may do so at once: one starts it.
 * @throws {Conflict} when the database is of another major version of PostgreSQL
 * @throws {Unavailable} when it can't run here, with the server's own words
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    await mkdir(options.directory, { recursive: true });
    const home = await realpath(options.directory);
    const logFile = options.logFile ?? join(home, 'postgresql.log');
    let waitingSince: number | undefined;
    const server = await poll(async () => {
      const started = await adoptOrStart(home, logFile, options);
      // From when it was first in the way: making the database may take long on a busy machine.
      if (started === undefined) waitingSince ??= performance.now();
      const isTooLong = waitingSince !== undefined && performance.now() - waitingSince > patience;
      return started ?? (isTooLong ? 'too long' : undefined);
    });
    if (server === undefined || server === 'too long')
      throw await couldNotStart(home, logFile, 'processes of a server that ended are still running');
    return embeddedPostgres(server, home, logFile);
  } catch (error) {
    if (error instanceof KnitError) throw error;
    throw new Unavailable({
      reason: `the database in ${options.directory} could not be started: ${(error as Error).message}`,
      advice: 'Choose a directory that can be written to, with space left.',
      cause: error,
    });
  }
}

/** @returns undefined when it should be tried again */
async function adoptOrStart(
  home: string,
  logFile: string,
  options: EmbeddedPostgresOptions,
): Promise<RunningServer | undefined> {
  const dataDirectory = join(home, 'data');
  const packaged = options.software ?? (await packagedSoftware());
  const isMade = await hasCluster(dataDirectory, packaged);
  const account = await serverAccount(isMade ? dataDirectory : undefined);

  const running = await findRunningServer(dataDirectory);
  if (running !== undefined) return running;

  const run = await runAs(account, home);
  const software = await usableSoftware(packaged, home, account);
  if (!isMade) await makeCluster(dataDirectory, software, account, run);
  const launched = await launch({
    home,
    dataDirectory,
    socketDirectory: await makeSocketDirectory(home, account),
    software,
    settings: { ...settings, ...options.settings },
    logFile,
    run,
  });
  if (launched === 'taken') return undefined;
  if (!('lastWords' in launched)) return launched;
  if (passing.test(launched.lastWords)) return undefined;
  throw await couldNotStart(home, logFile, launched.lastWords);
}

/** A server without space can't even write why it ends. */
async function couldNotStart(home: string, logFile: string, words: string): Promise<Unavailable> {
  const isFull = (await statfs(home)).bavail === 0;
  return new Unavailable({
    reason: `the database in ${home} could not be started: ${words || (isFull ? 'its disk is full' : 'PostgreSQL said nothing')}`,
    advice: isFull ? 'Free some space on its disk.' : `Its log ${logFile} tells more.`,
  });
}

function embeddedPostgres(server: RunningServer, home: string, logFile: string): EmbeddedPostgres {
  const leaveLog = keepLogBounded(logFile);
  const stopped = Promise.withResolvers<void>();
  const exited = Promise.race([server.gone, stopped.promise]).then(() => {
    leaveLog();
    return lastWords(logFile);
  });
  return {
    connectionString: `postgresql:///${database}?host=${encodeURIComponent(server.socketDirectory)}&port=${port}&user=${user}&sslmode=disable`,
    pid: server.pid,
    adopted: server.adopted,
    exited,
    async stop(mode = 'fast') {
      await stopServer(join(home, 'data'), server.pid, mode);
      await removeSocketDirectory(home, server.socketDirectory);
      stopped.resolve();
    },
  };
}
