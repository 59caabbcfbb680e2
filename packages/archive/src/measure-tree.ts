import { type BigIntStats, lstatSync, statSync } from 'node:fs';
import { Inodes } from './inodes.ts';
import { unreadable } from './system-error.ts';
import { TimeSlice } from './time-slice.ts';
import { type TreeNode, walkTree } from './walk-tree.ts';

/** What packing a tree will bring. */
export interface TreeSize {
  /** Files and links */
  readonly files: number;
  /** Bytes of their contents, each file's once however many names it has. */
  readonly bytes: number;
}

/**
 * Counts what `packTree` with the same options reports through `onEntry` (less the directories) and `onBytes`.
 * @throws {NotFound} {@link walkTree}
 * @throws {Invalid} {@link walkTree}
 */
export async function measureTree(
  directory: string,
  { dereference = false, signal }: { readonly dereference?: boolean; readonly signal?: AbortSignal } = {},
): Promise<TreeSize> {
  const inodes = new Inodes();
  const slice = new TimeSlice();
  let files = 0;
  let bytes = 0;
  for (const node of walkTree(directory, { dereference })) {
    if (node.kind !== 'directory') files++;
    if (node.kind === 'file') {
      const stats = statsOf(node, dereference);
      if (inodes.earlierPath(stats, node.path) === undefined) bytes += Number(stats.size);
    }
    if (slice.isOver) {
      signal?.throwIfAborted();
      await slice.next();
    }
  }
  return { files, bytes };
}

function statsOf({ location }: TreeNode, dereference: boolean): BigIntStats {
  try {
    return (dereference ? statSync : lstatSync)(location, { bigint: true });
  } catch (error) {
    throw unreadable(location, error);
  }
}
