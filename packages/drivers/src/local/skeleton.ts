import { createHash, randomUUID } from 'node:crypto';
import { type Dirent, readlinkSync } from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromWorker, type Places } from './places.ts';

/**
 * Makes a directory that has the entries of `/`: links as they are, places to mount directories and files on. It never changes
 * once it is there, as workers have it mounted; another list of entries makes another skeleton.
 * @returns its path from a worker's directory
 */
export async function openSkeleton(places: Places, topLevel: readonly Dirent[]): Promise<string> {
  const entries = topLevel
    .map((entry) => ({ entry, link: entry.isSymbolicLink() ? readlinkSync(`/${entry.name}`) : undefined }))
    .sort((a, b) => (a.entry.name < b.entry.name ? -1 : 1));
  const kinds = entries.map(({ entry, link }) => [entry.name, link ?? entry.isDirectory()]);
  const name = createHash('sha256').update(JSON.stringify(kinds)).digest('hex');
  const unfinished = join(places.skeletons, `${randomUUID()}.new`);
  await mkdir(unfinished, { mode: 0o755 });
  for (const { entry, link } of entries) {
    const path = join(unfinished, entry.name);
    if (link !== undefined) await symlink(link, path);
    else if (entry.isDirectory()) await mkdir(path);
    else if (entry.isFile()) await writeFile(path, '');
  }
  try {
    await rename(unfinished, join(places.skeletons, name));
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await rm(unfinished, { recursive: true });
  }
  return `${fromWorker.skeletons}/${name}`;
}
