import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { create } from 'tar';
import { fetchPackage } from './fetch-package.ts';
import type { Package } from './targets.ts';

/** What only those need who compile programs against PostgreSQL. */
const isForDevelopers = (path: string): boolean => /\.a$|(^|\/)(pkgconfig|include)\//.test(path);

/**
 * Archives PostgreSQL's programs as `VERSION.tar.zst`, the form in which `packages/store/src/embedded/archived-software.ts`
 * looks for them. The same package gives the same bytes.
 * @param folder is made anew
 */
export async function archivePostgresql(software: Package, folder: string): Promise<void> {
  const native = join(await fetchPackage(software), 'native');
  const entries = await readdir(native, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(native, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !isForDevelopers(path))
    .sort();
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await pipeline(
    create({ cwd: native, portable: true, mtime: new Date(0), noDirRecurse: true }, files),
    createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 9 } }),
    createWriteStream(join(folder, `${software.version}.tar.zst`)),
  );
}
