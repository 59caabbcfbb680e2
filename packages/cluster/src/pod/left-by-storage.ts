import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What an NFS client calls a removed file that somebody still has open (fs/nfs/unlink.c in Linux). */
const removedOverNfs = /^\.nfs[0-9a-f]{24}$/;

/**
 * Whether a name in the root of a volume is of the storage's own making, and none of the Data: the `lost+found` of a file system
 * (mke2fs(8)), as long as nothing was found, and what NFS keeps of a removed file. What anybody else has named so is Data.
 */
export function leftByStorage(volume: string, name: string): boolean {
  if (name === 'lost+found') return isUnused(join(volume, name));
  return (
    removedOverNfs.test(name) && lstatSync(join(volume, name), { throwIfNoEntry: false })?.isFile() !== false
  );
}

function isUnused(lostAndFound: string): boolean {
  const stats = lstatSync(lostAndFound, { throwIfNoEntry: false });
  if (!stats?.isDirectory() || stats.uid !== 0) return false;
  try {
    return readdirSync(lostAndFound).length === 0;
  } catch {
    // It is for root alone, which a server of NFS may take nobody for.
    return true;
  }
}
