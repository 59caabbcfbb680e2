import { Invalid, Unavailable } from '@knitfab/core';
import { quoted } from './entry-path.ts';

/** The code of an error of the operating system, such as `ENOENT`. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined;

const whyUnreadable: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  ENOENT: 'there is no such file (any more)',
  ENOTDIR: 'it changed while it was being read',
  ELOOP: 'its symbolic links go round in circles',
  ENAMETOOLONG: 'its path is too long for this machine',
};

/** What to throw when something in a tree can't be read; defects and broken disks stay what they are. */
export function unreadable(location: string, error: unknown): unknown {
  const why = whyUnreadable[systemCode(error) ?? ''];
  return why === undefined
    ? error
    : new Invalid({ reason: `${quoted(location)} can't be read: ${why}`, cause: error });
}

/** What to throw when an archive's tree can't be written. */
export function unwritable(error: unknown): unknown {
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new Unavailable({
        reason: 'the disk is full: the archive does not fit',
        advice: 'Make room and send it again.',
        cause: error,
      });
    case 'ENAMETOOLONG':
      return new Invalid({ reason: 'a path in the archive is too long for this machine', cause: error });
    case 'EMLINK':
      return new Invalid({
        reason: 'the archive holds more hard links to one file than can be',
        cause: error,
      });
    default:
      return error;
  }
}
