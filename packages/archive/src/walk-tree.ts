import { isUtf8 } from 'node:buffer';
import { type BigIntStats, type Dirent, readdirSync, statSync } from 'node:fs';
import { Invalid, NotFound } from '@knitfab/core';
import { quoted } from './entry-path.ts';
import { escaped } from './extended-header.ts';
import { systemCode, unreadable } from './system-error.ts';

/** Something in a tree that can be kept in an archive. */
export interface TreeNode {
  readonly kind: 'file' | 'directory' | 'symbolic-link';
  /** Relative to the tree's root; empty for the root. */
  readonly path: string;
  /** Where to find it: the root as the caller names it, and the path. */
  readonly location: string;
}

interface PendingNode extends TreeNode {
  /** Identities of the directories it lies in, where links are followed. */
  readonly within?: Ancestors;
}

interface Ancestors {
  readonly identity: string;
  readonly above: Ancestors | undefined;
}

export interface WalkOptions {
  /** Symbolic links are what they lead to, in place of nodes of their own. */
  readonly dereference?: boolean;
  /** What to do with sockets, FIFOs and devices: refused when left out. */
  readonly special?: 'refuse' | 'leave-out';
  /** Which names in the root, with all that they hold, are no part of the tree. */
  readonly leaveOut?: (name: string) => boolean;
}

/**
 * Walks a directory tree: each directory before what it holds, names in a fixed order.
 * @throws {NotFound} when there is no such directory
 * @throws {Invalid} naming what can't be kept (sockets, FIFOs, devices, names that are not UTF-8), can't be read, or is a link
 * that leads nowhere or round in circles
 */
export function* walkTree(directory: string, options: WalkOptions = {}): Generator<TreeNode, void> {
  checkDirectory(directory);
  const pending: PendingNode[] = [{ kind: 'directory', path: '', location: directory }];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    yield node;
    if (node.kind === 'directory') for (const child of childrenOf(node, options)) pending.push(child);
  }
}

function checkDirectory(directory: string): void {
  try {
    if (statSync(directory).isDirectory()) return;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw unreadable(directory, error);
    throw new NotFound(`there is no directory ${quoted(directory)}`);
  }
  throw new Invalid(`${quoted(directory)} is no directory`);
}

function childrenOf(
  parent: PendingNode,
  { dereference = false, special = 'refuse', leaveOut }: WalkOptions,
): PendingNode[] {
  const within = dereference ? ancestorsWith(parent) : undefined;
  const entries = readDirectory(parent.location);
  const known = special === 'refuse' ? entries : entries.filter((entry) => !isSpecial(entry));
  const kept = parent.path === '' && leaveOut ? known.filter(({ name }) => !leaveOut(name)) : known;
  return kept.map((entry) => {
    const location = `${parent.location}/${entry.name}`;
    const kind = kindOf(dereference && entry.isSymbolicLink() ? followLink(location) : entry, location);
    const path = parent.path === '' ? entry.name : `${parent.path}/${entry.name}`;
    return within === undefined ? { kind, path, location } : { kind, path, location, within };
  });
}

/** The last first: the walk takes them from the end. */
function readDirectory(location: string): Dirent[] {
  try {
    const entries = readdirSync(location, { withFileTypes: true });
    if (entries.some((entry) => entry.name.includes('\uFFFD'))) checkNames(location);
    return entries.sort((a, b) => (a.name < b.name ? 1 : -1));
  } catch (error) {
    throw unreadable(location, error);
  }
}

/** U+FFFD stands for what is no UTF-8, but may also be part of a good name. */
function checkNames(location: string): void {
  const broken = readdirSync(location, { encoding: 'buffer' }).find((name) => !isUtf8(name));
  if (broken !== undefined) {
    throw new Invalid({
      reason: `${quoted(location)} holds a file named ${escaped(broken)}, which is not UTF-8`,
      advice: 'Rename it.',
    });
  }
}

function followLink(location: string): BigIntStats {
  try {
    return statSync(location, { bigint: true });
  } catch (error) {
    throw unreadable(location, error);
  }
}

const isSpecial = (entry: Dirent): boolean =>
  !(entry.isFile() || entry.isDirectory() || entry.isSymbolicLink());

function kindOf(entry: Dirent | BigIntStats, location: string): TreeNode['kind'] {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  if (entry.isSymbolicLink()) return 'symbolic-link';
  const name = entry.isSocket() ? 'a socket' : entry.isFIFO() ? 'a FIFO' : 'a device';
  throw new Invalid({
    reason: `${quoted(location)} is ${name}`,
    advice: 'Only files, directories, symbolic and hard links can be kept: remove it.',
  });
}

function ancestorsWith(directory: PendingNode): Ancestors {
  const stats = followLink(directory.location);
  const identity = `${stats.dev}:${stats.ino}`;
  for (let above = directory.within; above !== undefined; above = above.above) {
    if (above.identity === identity) {
      throw new Invalid({
        reason: `the symbolic link ${quoted(directory.location)} leads to a directory that it lies in`,
        advice: 'Remove it, or keep symbolic links as they are.',
      });
    }
  }
  return { identity, above: directory.within };
}
