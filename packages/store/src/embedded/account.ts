import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { Unavailable } from '@knitfab/core';

/** A user of this machine that the server runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Accounts for the server when this process is root, whom PostgreSQL refuses; the first that exists is taken. */
const unprivilegedNames = ['postgres', 'nobody'];

/**
 * The account that has to run the server: the owner of the cluster. Root gives a new one to `postgres` or `nobody`.
 * @param cluster its directory, if it has been made
 * @returns undefined when that is this process's own account
 * @throws {Unavailable} when this process can't run it as that account
 */
export async function serverAccount(cluster: string | undefined): Promise<Account | undefined> {
  const self = process.geteuid?.();
  if (cluster === undefined) return self === 0 ? unprivilegedAccount() : undefined;
  const owner = await stat(cluster);
  if (self === 0 && owner.uid === 0) {
    throw new Unavailable({
      reason: `the database ${cluster} belongs to root, and PostgreSQL does not run as root`,
      advice: `Give it to an ordinary user: chown -R USER ${cluster}`,
    });
  }
  if (self === 0) return { uid: owner.uid, gid: owner.gid };
  if (self !== undefined && owner.uid !== self) {
    throw new Unavailable({
      reason: `the database ${cluster} belongs to another user (uid ${owner.uid})`,
      advice: 'Start as that user or as root, or choose another directory.',
    });
  }
  return undefined;
}

async function unprivilegedAccount(): Promise<Account> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of unprivilegedNames) {
    const [, , uid, gid] = users.find(([user]) => user === name) ?? [];
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Unavailable({
    reason: `PostgreSQL does not run as root, and this machine has no user ${unprivilegedNames.join(' or ')}`,
    advice: 'Start as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own.',
  });
}

/**
 * Finds what keeps an account from a directory, by trying it as that account.
 * @returns the topmost of the directory and its parents that the account can't enter, if any
 */
export async function firstBarrier(account: Account, directory: string): Promise<string | undefined> {
  const path = [directory];
  for (let parent = dirname(directory); parent !== path[0]; parent = dirname(parent)) path.unshift(parent);
  const barrier = await shell(
    account,
    'for each; do [ -x "$each" ] || { printf %s "$each"; break; }; done',
    path,
  );
  return barrier === '' ? undefined : barrier;
}

/** Whether the account can read each of the files, tried as that account. */
export async function canRead(account: Account, files: readonly string[]): Promise<boolean> {
  return (await shell(account, 'for each; do [ -r "$each" ] || echo no; done', files)) === '';
}

async function shell(account: Account, script: string, args: readonly string[]): Promise<string> {
  try {
    const options = { ...account, cwd: '/' };
    return (await promisify(execFile)('/bin/sh', ['-c', script, 'sh', ...args], options)).stdout;
  } catch (cause) {
    throw new Unavailable({
      reason: `PostgreSQL does not run as root, and this process may not run it as another user (uid ${account.uid}): ${(cause as Error).message}`,
      advice: 'Start as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own.',
      cause,
    });
  }
}
