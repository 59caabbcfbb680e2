import { execFile } from 'node:child_process';
import { chown, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { Conflict, Unavailable } from '@knitfab/core';
import type { Account } from './account.ts';
import type { ArchivedSoftware } from './archived-software.ts';
import type { RunAs } from './run-as.ts';
import { majorVersion, type Software, softwareFolder } from './software.ts';
import { makeWhole } from './whole-directory.ts';

/** The database user, who may do everything, and the database. */
export const [user, database] = ['knit', 'postgres'];

/**
 * Whether there is a cluster in `dataDirectory` that these programs can work with; false when there is none yet. One that
 * this process can't look into is taken for one.
 * @throws {Conflict} for a cluster of another major version, or a directory that holds something else
 */
export async function hasCluster(
  dataDirectory: string,
  software: Software | ArchivedSoftware,
): Promise<boolean> {
  const files = await readdir(dataDirectory).catch((error: NodeJS.ErrnoException) =>
    error.code === 'EACCES' ? ('closed' as const) : missing(error),
  );
  if (files === undefined || files.length === 0) return false;
  if (files === 'closed') return true;
  const version = (await readFile(join(dataDirectory, 'PG_VERSION'), 'utf8').catch(missing))?.trim();
  if (version === undefined) {
    throw new Conflict({
      reason: `the directory ${dataDirectory} is in the way of the database: it holds something else`,
      advice: 'Move it away, or choose another directory.',
    });
  }
  if (version !== majorVersion(software)) {
    throw new Conflict({
      reason: `the database ${dataDirectory} was made by PostgreSQL ${version}, and this program brings PostgreSQL ${majorVersion(software)}`,
      advice:
        'Use the version of this program that made it, or move the database over with pg_dump and a server of your own (DATABASE_URL).',
    });
  }
  return true;
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/**
 * Makes a new cluster, complete and durable or not at all.
 * @throws {Unavailable} with the last words of initdb when it fails
 */
export async function makeCluster(
  dataDirectory: string,
  software: Software,
  account: Account | undefined,
  run: RunAs,
): Promise<void> {
  await makeWhole(dataDirectory, async (unfinished) => {
    if (account !== undefined) await chown(unfinished, account.uid, account.gid);
    const { file, args, options } = run(
      join(software.directory, 'bin/initdb'),
      [
        `--pgdata=${unfinished}`,
        `--username=${user}`,
        '--auth=trust',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
      ],
      [basename(unfinished), softwareFolder],
    );
    await promisify(execFile)(file, args, options).catch((cause: Error & { stderr?: string }) => {
      throw new Unavailable({
        reason: `the database ${dataDirectory} could not be made: ${(cause.stderr || cause.message).trim()}`,
        advice: 'Remove the cause, or set DATABASE_URL to a PostgreSQL server of your own.',
        cause,
      });
    });
  });
}
