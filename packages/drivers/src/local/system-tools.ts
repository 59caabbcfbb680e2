import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { Unavailable } from '@knitfab/core';

/** The programs that workers are started with: util-linux's, and `cat`, `mkdir` and `nsenter`'s shell that every Linux has. */
const names = ['unshare', 'nsenter', 'mount', 'umount', 'pivot_root', 'setpriv', 'mkdir', 'cat'] as const;

/** Absolute path by name. */
export type SystemTools = Readonly<Record<(typeof names)[number], string>>;

/** Ordinary users often don't have the last of these in their PATH. */
const standardPlaces = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/local/sbin'];

/** @throws {Unavailable} naming what is not installed */
export async function findSystemTools(): Promise<SystemTools> {
  const found = await Promise.all(names.map(async (name) => [name, await find(name)] as const));
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => name);
  if (missing.length > 0) {
    throw new Unavailable({
      reason: `the local driver needs ${missing.join(', ')}, which this machine does not have`,
      advice: 'Install the package util-linux.',
    });
  }
  return Object.fromEntries(found) as SystemTools;
}

async function find(name: string): Promise<string | undefined> {
  // The standard places first: what users have put before them is for their own code.
  const places = [...standardPlaces, ...(process.env.PATH ?? '').split(':')];
  for (const place of places.filter((each) => each.startsWith('/'))) {
    const path = join(place, name);
    if (await isExecutable(path)) return path;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
