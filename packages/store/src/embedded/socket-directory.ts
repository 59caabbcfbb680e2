import { chown, lstat, mkdir, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Account } from './account.ts';

/** The number in the name of the socket; nothing listens on it. */
export const port = 5432;

/** Where the socket is kept, below the cluster's home, if that is not too deep. */
export const socketFolder = 'socket';

/** Longest path of a socket, in bytes: `sun_path` of unix(7) less the terminating zero (macOS has 4 bytes less). */
const maxSocketPathBytes = process.platform === 'linux' ? 107 : 103;

const fits = (directory: string): boolean =>
  Buffer.byteLength(join(directory, `.s.PGSQL.${port}`)) <= maxSocketPathBytes;

/**
 * Makes the directory for the server's socket, which nobody but the server's account (and root) can enter. Below a deep
 * `home` it is a short one among the temporary files, noted in the file `socket-directory`.
 */
export async function makeSocketDirectory(home: string, account: Account | undefined): Promise<string> {
  const own = join(home, socketFolder);
  if (fits(own)) {
    await mkdir(own, { mode: 0o700 }).catch(ignoring('EEXIST'));
    await give(own, account);
    return own;
  }
  const noted = await readFile(note(home), 'utf8').catch(ignoring('ENOENT'));
  if (noted !== undefined && (await isPrivate(noted, account))) return noted;
  // root's own TMPDIR may be closed to the account
  const parent = account === undefined && fits(join(tmpdir(), 'knit-XXXXXX')) ? tmpdir() : '/tmp';
  const short = await mkdtemp(join(parent, 'knit-'));
  await give(short, account);
  await writeFile(note(home), short, { mode: 0o600 });
  return short;
}

/** Removes a directory among the temporary files, unless a server has its socket there. */
export async function removeSocketDirectory(home: string, socketDirectory: string): Promise<void> {
  if (socketDirectory === join(home, socketFolder)) return;
  const removed = await rmdir(socketDirectory).then(
    () => true,
    () => false,
  );
  if (removed) await rm(note(home), { force: true });
}

const note = (home: string): string => join(home, 'socket-directory');

async function give(directory: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(directory, account.uid, account.gid);
}

/** Whether it is still the directory that was made: others can put a link or a directory of their own in place of it. */
async function isPrivate(directory: string, account: Account | undefined): Promise<boolean> {
  const status = await lstat(directory).catch(ignoring('ENOENT'));
  const owner = account?.uid ?? process.geteuid?.();
  return status?.isDirectory() === true && status.uid === owner && (status.mode & 0o077) === 0;
}

const ignoring =
  (code: string) =>
  (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== code) throw error;
  };
