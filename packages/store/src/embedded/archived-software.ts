import { readdir, readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';

/** PostgreSQL's programs in one file, as a released executable brings them. */
export interface ArchivedSoftware {
  /** A tar archive of `bin`, `lib` and `share`, compressed with zstd. */
  readonly archive: URL;
  /** Such as `18.4.0` */
  readonly version: string;
}

/**
 * A released executable holds this folder beside the one of its modules, with the file `VERSION.tar.zst`; elsewhere there is
 * no such folder.
 */
const folder = new URL('../postgresql/', import.meta.url);
const suffix = '.tar.zst';

/** @returns undefined when this program is not a released executable, or one for a platform without such programs */
export async function archivedSoftware(): Promise<ArchivedSoftware | undefined> {
  const [file] = await readdir(folder).catch(() => []);
  if (file === undefined) return undefined;
  return { archive: new URL(file, folder), version: file.slice(0, -suffix.length) };
}

/** Unpacks the programs into an empty directory. */
export async function unpackSoftware({ archive }: ArchivedSoftware, directory: string): Promise<void> {
  const { extract } = await import('tar');
  // Files inside an executable can't be opened, only be read as a whole.
  const compressed = Readable.from([await readFile(archive)]);
  await pipeline(compressed, createZstdDecompress(), extract({ cwd: directory, strict: true }));
}
