import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Everything about a tree that must come back: path → kind, mode, seconds, content or target, and the paths that share an inode. */
export function describeTree(directory: string): Record<string, string> {
  const described: Record<string, string> = {};
  const inodes = new Map<bigint, string>();
  const visit = (path: string): void => {
    const location = path === '' ? directory : `${directory}/${path}`;
    const stats = lstatSync(location, { bigint: true });
    const common = `${(stats.mode & 0o7777n).toString(8)} ${Math.floor(Number(stats.mtimeMs) / 1000)}`;
    if (stats.isDirectory()) {
      described[`${path}/`] = `directory ${common}`;
      for (const name of readdirSync(location)) visit(path === '' ? name : `${path}/${name}`);
      return;
    }
    const first = inodes.get(stats.ino);
    inodes.set(stats.ino, first ?? path);
    if (first !== undefined) described[path] = `the same as ${first}`;
    else if (stats.isSymbolicLink())
      described[path] = `link ${common.split(' ')[1]} ${readlinkSync(location)}`;
    else if (stats.isFile()) described[path] = `file ${common} ${stats.size} ${digest(location)}`;
    else described[path] = 'something else';
  };
  visit('');
  return described;
}

const digest = (location: string): string =>
  createHash('sha256').update(readFileSync(location)).digest('hex').slice(0, 16);
