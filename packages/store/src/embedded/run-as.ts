import { execFile, type SpawnOptions } from 'node:child_process';
import { promisify } from 'node:util';
import { Unavailable } from '@knitfab/core';
import { type Account, firstBarrier } from './account.ts';

/** How to run a program: arguments of `spawn`. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: Pick<SpawnOptions, 'uid' | 'gid' | 'cwd' | 'env'>;
}

/** Turns a program and its arguments into the command that runs it as the server's account on folders of the home. */
export type RunAs = (program: string, args: readonly string[], folders: readonly string[]) => Command;

/** Nothing of the user's own environment changes how the server works. */
const environment = {
  PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
  LC_ALL: 'C',
  TZ: 'UTC',
};

/**
 * Finds out how programs can be run as `account` on folders of `home`. Where the account can't reach `home` (say it is
 * below /root), programs get a mount namespace of their own, in which these folders alone are put within reach.
 * @param account undefined for this process's own
 * @throws {Unavailable} when the account can't reach `home` and namespaces are not allowed
 */
export async function runAs(account: Account | undefined, home: string): Promise<RunAs> {
  const barrier = account === undefined ? undefined : await firstBarrier(account, home);
  if (account === undefined || barrier === undefined) {
    return (file, args) => ({ file, args, options: { ...account, cwd: '/', env: environment } });
  }
  await checkNamespaces(account, barrier);
  return (program, args, folders) => ({
    file: 'unshare',
    args: [
      ...['--mount', '/bin/sh', '-euc', putWithinReach, 'sh'],
      ...[barrier, home, String(account.uid), String(account.gid)],
      ...[...folders, '--', program, ...args],
    ],
    options: { cwd: '/', env: environment },
  });
}

/**
 * Covers the directory that the account can't pass with an empty one, in this namespace only, and puts the folders back
 * at their paths, reached through the working directory, which is still the covered one.
 */
const putWithinReach = `
  barrier=$1 home=$2 uid=$3 gid=$4
  shift 4
  umask 022
  cd "$home"
  mount -t tmpfs -o mode=0755 none "$barrier"
  while [ "$1" != -- ]; do
    if [ -d "./$1" ]; then
      mkdir -p "$home/$1"
      mount --no-canonicalize --bind "./$1" "$home/$1"
    fi
    shift
  done
  shift
  cd /
  exec setpriv --reuid="$uid" --regid="$gid" --clear-groups -- "$@"
`;

async function checkNamespaces(account: Account, barrier: string): Promise<void> {
  await promisify(execFile)('unshare', ['--mount', 'setpriv', '--version'], { env: environment }).catch(
    (cause: Error) => {
      throw new Unavailable({
        reason: `PostgreSQL does not run as root, and the user that it runs as instead (uid ${account.uid}) can't enter ${barrier}`,
        advice: `Choose a directory that all users can reach, such as /var/lib/knit, start as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own.`,
        cause,
      });
    },
  );
}
