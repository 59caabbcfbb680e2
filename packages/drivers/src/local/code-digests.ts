import { createHash } from 'node:crypto';
import { createReadStream, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isReplaced, type Machine } from './machine.ts';
import { isBelow } from './mount-table.ts';

/** How many digests are remembered. */
const remembered = 1000;

/** Files of inputs beyond this size are taken for data: that is in the lineage, and would be read anew for each Run. */
const maxInputFileBytes = 16 * 1024 * 1024;

export interface Code {
  readonly command: readonly string[];
  /** The worker's. */
  readonly searchPath: string;
  readonly machine: Machine;
  /** Where inputs are mounted, and the directories that they are in. */
  readonly inputs: readonly { readonly path: string; readonly directory: string }[];
}

/** What a worker's command line names, by its content: the image `host:TAG` alone would not say what was executed. */
export class CodeDigests {
  /** By path and all that changes when the content does. The oldest come first. */
  readonly #digests = new Map<string, Promise<string | undefined>>();

  /** @returns `sha256:HEX` for each word of the command that names a regular file, by that word */
  async of(code: Code): Promise<Record<string, string>> {
    const entries = await Promise.all(
      [...new Set(code.command)].map(async (word) => {
        const file = this.#find(word, word === code.command[0], code);
        const digest = file && (await this.#digest(file));
        return digest === undefined ? [] : [[word, digest] as const];
      }),
    );
    return Object.fromEntries(entries.flat());
  }

  #find(word: string, isProgram: boolean, code: Code): RegularFile | undefined {
    if (isProgram && !word.includes('/')) {
      for (const directory of code.searchPath.split(':').filter((each) => each.startsWith('/'))) {
        const file = regularFile(join(directory, word));
        if (file !== undefined && (file.stats.mode & 0o111) !== 0) return file;
      }
      return undefined;
    }
    // A worker's current directory is the root.
    const path = resolve('/', word);
    const input = code.inputs.find((each) => isBelow(path, each.path));
    if (input !== undefined) {
      const file = regularFile(join(input.directory, path.slice(input.path.length)));
      return file !== undefined && file.stats.size <= maxInputFileBytes ? file : undefined;
    }
    return isReplaced(code.machine, path) ? undefined : regularFile(path);
  }

  #digest({ path, stats }: RegularFile): Promise<string | undefined> {
    const key = [path, stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join('|');
    const known = this.#digests.get(key);
    if (known !== undefined) return known;
    // A file may be there to be executed, and not to be read.
    const digest = digestOf(path).catch(() => undefined);
    this.#digests.set(key, digest);
    const [oldest] = this.#digests.keys();
    if (this.#digests.size > remembered && oldest !== undefined) this.#digests.delete(oldest);
    return digest;
  }
}

interface RegularFile {
  readonly path: string;
  readonly stats: Stats;
}

function regularFile(path: string): RegularFile | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() ? { path, stats } : undefined;
  } catch {
    return undefined; // no file, or none that this user can see
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest('hex')}`;
}
