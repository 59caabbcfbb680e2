import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A user of this machine. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Who called sudo to run this process; undefined when nobody did. Source: sudo(8), passwd(5). */
export function sudoUser(): User | undefined {
  const uid = process.env.SUDO_UID;
  if (process.getuid?.() !== 0 || uid === undefined || uid === '0') return undefined;
  const entry = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === uid);
  const [, , , gid, , home] = entry ?? [];
  return gid === undefined || !home ? undefined : { uid: Number(uid), gid: Number(gid), home };
}

const write = 'umask 077 && mkdir -p "$2" && cat > "$1.new" && mv "$1.new" "$1"';

/**
 * Writes a file in a user's home as that user: root must not follow where the links there lead. That it can't be done (a
 * home that does not exist) is no reason to stop.
 */
export function writeAs({ uid, gid }: User, file: string, content: string): void {
  spawnSync('sh', ['-c', write, 'sh', file, dirname(file)], { uid, gid, cwd: '/', input: content });
}

/** Removes a file in a user's home as that user. */
export function removeAs({ uid, gid }: User, file: string): void {
  spawnSync('rm', ['-f', file], { uid, gid, cwd: '/' });
}
