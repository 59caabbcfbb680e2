import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Someone whom the drivers have to serve. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly isRoot: boolean;
  /** What a command has to begin with to run as this user. */
  readonly prefix: readonly string[];
}

const self = process.getuid?.() ?? 0;
/** The user that owns nothing. */
const nobody = 65_534;

const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'];

/** Root and an ordinary user; where the tests run as an ordinary user, only that one. */
export const users: readonly User[] =
  self !== 0
    ? [{ name: 'an ordinary user', uid: self, isRoot: false, prefix: [] }]
    : [
        { name: 'root', uid: 0, isRoot: true, prefix: [] },
        ...(canReadThis()
          ? [{ name: 'an ordinary user', uid: nobody, isRoot: false, prefix: asNobody }]
          : []),
      ];

/** A clone in root's home directory is for root only. */
function canReadThis(): boolean {
  const [file = '', ...args] = asNobody;
  try {
    execFileSync(file, [...args, 'test', '-r', import.meta.filename, '-a', '-x', process.execPath]);
    return true;
  } catch {
    return false;
  }
}

/** A directory of the user's own; removed with the function that comes with it. */
export function temporaryDirectory(
  user: User,
  parent: string = tmpdir(),
): { path: string; remove: () => Promise<void> } {
  const path = mkdtempSync(join(parent, 'knit-local-'));
  chmodSync(path, 0o755);
  if (user.uid !== self) chownSync(path, user.uid, user.uid);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/**
 * Whether this checkout lies where workers see a directory of their own in place of the machine's: there they can't run its
 * Node, nor see its files. Tests that need to are skipped.
 */
export const isCheckoutHidden = /^\/(tmp|var\/tmp)\//.test(import.meta.dirname);
