import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity, thisProcess } from './process-identity.ts';
import { writeWhole } from './store.ts';
import { removeAs, sudoUser, writeAs } from './sudo-user.ts';

/** A server that `knit up` runs: this machine's commands find it without any set-up. */
export interface RunningServer {
  readonly apiRoot: string;
  /** Where it keeps its Data, by which people know it. */
  readonly dataDir: string;
  readonly process: ProcessIdentity;
}

/** One file for each server of this user. */
const directory = (home = homedir()): string => join(home, '.knit', 'servers');

const fileOf = (server: ProcessIdentity, home = homedir()): string =>
  join(directory(home), `${server.host}-${server.pid}.json`);

/**
 * Announces the server of this process to the commands of this user, and of the user who called sudo; forgets those that
 * ended without a word.
 * @throws a system error when the home directory can't be written to
 */
export async function announceServer({
  apiRoot,
  dataDir,
}: {
  apiRoot: string;
  dataDir: string;
}): Promise<void> {
  const server: RunningServer = { apiRoot, dataDir, process: thisProcess() };
  await mkdir(directory(), { recursive: true, mode: 0o700 });
  for (const other of await announcedServers()) {
    const ended = other.process.host === server.process.host && !isRunning(other.process);
    if (ended) await rm(fileOf(other.process), { force: true });
  }
  await writeWhole(fileOf(server.process), JSON.stringify(server));
  const caller = sudoUser();
  if (caller) writeAs(caller, fileOf(server.process, caller.home), JSON.stringify(server));
}

/** Takes the announcement of this process's server back. */
export async function withdrawServer(): Promise<void> {
  await rm(fileOf(thisProcess()), { force: true });
  const caller = sudoUser();
  if (caller) removeAs(caller, fileOf(thisProcess(), caller.home));
}

/** This user's servers that run on this machine now, by their addresses. */
export async function runningServers(): Promise<RunningServer[]> {
  const servers = (await announcedServers()).filter((server) => isRunning(server.process));
  return servers.sort((a, b) => (a.apiRoot < b.apiRoot ? -1 : 1));
}

async function announcedServers(): Promise<RunningServer[]> {
  const names = await readdir(directory()).catch(() => []);
  const files = names.filter((name) => name.endsWith('.json')).map((name) => join(directory(), name));
  return (await Promise.all(files.map(readServer))).filter((server) => server !== undefined);
}

async function readServer(file: string): Promise<RunningServer | undefined> {
  try {
    const server = JSON.parse(await readFile(file, 'utf8')) as RunningServer;
    return typeof server.apiRoot === 'string' && typeof server.process.pid === 'number' ? server : undefined;
  } catch {
    return undefined; // withdrawn just now, or none of ours
  }
}

/** The name by which a running server can be chosen, as if it were in the profile store. */
export const localName = (server: RunningServer): string => `local:${new URL(server.apiRoot).port}`;
