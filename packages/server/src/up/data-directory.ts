import { readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { makeDirectory } from '@knitfab/archive';
import { Conflict, Unavailable } from '@knitfab/core';

/** What the directories and files below a data directory are like; raised when an older program could not read them. */
const layout = 1;

/** Where a server keeps its state: all of it, and nothing else. */
export interface DataDirectory {
  readonly path: string;
  /** The embedded PostgreSQL. */
  readonly database: string;
  /** The local driver: volumes and workers. */
  readonly local: string;
  /** Workers that are containers. */
  readonly containers: string;
  /** Who holds the directory, for a second `knit up` to tell. */
  readonly holder: string;
}

/** `/var/lib/knit` for root, as an ordinary user `knit` in the user's own data directory (XDG). */
export function defaultDataDirectory(): string {
  if (process.getuid?.() === 0) return '/var/lib/knit';
  return join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'knit');
}

/**
 * Makes the directory where it is missing.
 * @throws {Conflict} when a newer version made it
 * @throws {Unavailable} when it can't be made or written
 */
export async function openDataDirectory(given: string): Promise<DataDirectory> {
  const path = resolve(given);
  try {
    await makeDirectory(path, 0o711);
    await checkLayout(path);
  } catch (cause) {
    if (cause instanceof Conflict) throw cause;
    const { message } = cause as Error;
    throw new Unavailable({
      reason: `the data directory ${path} can't be used: ${message}`,
      advice: 'Choose one that you may write to with --data-dir DIR.',
      cause,
    });
  }
  return {
    path,
    database: join(path, 'postgresql'),
    local: join(path, 'local'),
    containers: join(path, 'containers'),
    holder: join(path, 'holder.json'),
  };
}

async function checkLayout(path: string): Promise<void> {
  const file = join(path, 'layout.json');
  const found = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) {
    await writeFile(`${file}.new`, `${JSON.stringify({ layout })}\n`);
    await rename(`${file}.new`, file);
    return;
  }
  const version: unknown = (JSON.parse(found) as { layout?: unknown }).layout;
  if (typeof version === 'number' && version <= layout) return;
  throw new Conflict({
    reason: `the data directory ${path} was made by a newer version of knit (layout ${String(version)}, this one knows ${layout})`,
    advice: 'Update knit, or choose another directory with --data-dir DIR.',
  });
}
