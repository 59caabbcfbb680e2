import { isUtf8 } from 'node:buffer';
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  read,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import { Readable } from 'node:stream';
import { Invalid } from '@knitfab/core';
import type { ArchiveEntry } from './archive-entry.ts';
import { ArchiveWriter } from './archive-writer.ts';
import { quoted } from './entry-path.ts';
import { Inodes } from './inodes.ts';
import { unreadable } from './system-error.ts';
import { TimeSlice } from './time-slice.ts';
import { type TreeNode, type WalkOptions, walkTree } from './walk-tree.ts';

export interface PackOptions extends WalkOptions {
  /** Called for each entry as it is packed; `path` ends with `/` for a directory, and is `./` for the root. */
  readonly onEntry?: (entry: { readonly path: string; readonly size: number }) => void;
  /** Called with the number of bytes of content that were read since the last call. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

const largePiece = 1024 * 1024;

/**
 * A directory tree as a plain tar stream: ustar, with pax records where a name is long or not ASCII. It holds the root itself as
 * `./`, empty directories, permission bits, times (seconds), hard links, and symbolic links as links. The stream ends with an
 * error rather than with an archive that is not the tree:
 * * `NotFound` when there is no such directory;
 * * `Invalid` naming what can't be kept (sockets, FIFOs, devices, names that are not UTF-8), what can't be read, or a file that
 *   changes while it is read.
 */
export function packTree(directory: string, options: PackOptions = {}): Readable {
  const { signal } = options;
  return Readable.from(archiveOf(directory, options), {
    objectMode: false,
    highWaterMark: largePiece,
    ...(signal === undefined ? {} : { signal }),
  });
}

async function* archiveOf(directory: string, options: PackOptions): AsyncGenerator<Buffer, void> {
  const { dereference = false, onEntry } = options;
  const writer = new ArchiveWriter();
  const inodes = new Inodes();
  const slice = new TimeSlice();
  const add = (entry: ArchiveEntry) => {
    onEntry?.({ path: entry.path, size: entry.size });
    writer.header(entry);
  };
  for (const node of walkTree(directory, options)) {
    if (node.kind === 'file') {
      const file = new OpenFile(node.location, dereference);
      try {
        const entry = entryOf(node, file.stats, inodes);
        add(entry);
        if (entry.kind === 'file') yield* contentOf(file, writer, options);
      } finally {
        file.close();
      }
    } else {
      const stats = statsOf(node, dereference);
      add(entryOf(node, stats, inodes));
    }
    yield* writer.takeFull();
    if (slice.isOver) await slice.next();
  }
  writer.end();
  yield* writer.takeAll();
}

function statsOf({ kind, location }: TreeNode, dereference: boolean): BigIntStats {
  try {
    // The root may be a link to a directory, whether other links are followed or not.
    return (dereference || kind === 'directory' ? statSync : lstatSync)(location, { bigint: true });
  } catch (error) {
    throw unreadable(location, error);
  }
}

function entryOf(node: TreeNode, stats: BigIntStats, inodes: Inodes): ArchiveEntry {
  const { kind, path } = node;
  const common = {
    path: kind === 'directory' ? `${path === '' ? '.' : path}/` : path,
    mode: Number(stats.mode) & 0o7777,
    mtime: Math.floor(Number(stats.mtimeMs) / 1000),
    size: kind === 'file' ? Number(stats.size) : 0,
  };
  if (kind === 'directory') return { ...common, kind };
  const earlier = inodes.earlierPath(stats, path);
  if (earlier !== undefined) return { ...common, kind: 'hard-link', size: 0, target: earlier };
  return kind === 'file' ? { ...common, kind } : { ...common, kind, target: linkTarget(node.location) };
}

function linkTarget(location: string): string {
  const target = readLink(location);
  if (isUtf8(target)) return target.toString();
  throw new Invalid({
    reason: `the symbolic link ${quoted(location)} leads to a name that is not UTF-8`,
    advice: 'Remove it.',
  });
}

function readLink(location: string): Buffer {
  try {
    return readlinkSync(location, { encoding: 'buffer' });
  } catch (error) {
    throw unreadable(location, error);
  }
}

/** The content of a small file goes to the writer; that of a large one past it, as it would be copied for nothing. */
async function* contentOf(
  file: OpenFile,
  writer: ArchiveWriter,
  { onBytes }: PackOptions,
): AsyncGenerator<Buffer, void> {
  const { size } = file;
  if (size < ArchiveWriter.maxPiece) {
    file.readAll(writer.room(size + 1));
    writer.commit(size);
    onBytes?.(size);
  } else {
    yield* writer.takeAll();
    for await (const piece of file.pieces()) {
      onBytes?.(piece.length);
      yield piece;
    }
  }
  writer.pad(size);
}

/** A regular file that is read as long as it stays what it was when it was opened. */
class OpenFile {
  readonly stats: BigIntStats;
  readonly size: number;
  readonly #location: string;
  readonly #descriptor: number;

  constructor(location: string, followLinks: boolean) {
    this.#location = location;
    try {
      // Non-blocking: should a FIFO have taken the file's place, opening it must not wait for a writer.
      const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLinks ? 0 : constants.O_NOFOLLOW);
      this.#descriptor = openSync(location, flags);
    } catch (error) {
      throw unreadable(location, error);
    }
    this.stats = fstatSync(this.#descriptor, { bigint: true });
    this.size = Number(this.stats.size);
    if (!this.stats.isFile()) {
      this.close();
      throw this.#changed();
    }
  }

  /** Reads the whole content into `room`, which has one byte more than the file: it would show a file that grew. */
  readAll(room: Buffer): void {
    let length = 0;
    do {
      const count = readSync(this.#descriptor, room, length, room.length - length, null);
      if (count === 0) break;
      length += count;
    } while (length < this.size);
    if (length !== this.size) throw this.#changed();
  }

  /** The whole content in pieces worth sending. */
  async *pieces(): AsyncGenerator<Buffer, void> {
    for (let left = this.size; left > 0; ) {
      const piece = await this.#readPiece(Math.min(left, largePiece));
      if (piece.length === 0) throw this.#changed();
      left -= piece.length;
      yield piece;
    }
    if ((await this.#readPiece(1)).length > 0) throw this.#changed();
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #readPiece(size: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(size);
    return new Promise((resolve, reject) => {
      read(this.#descriptor, buffer, 0, size, null, (error, count) =>
        error === null ? resolve(buffer.subarray(0, count)) : reject(error),
      );
    });
  }

  #changed(): Invalid {
    return new Invalid({
      reason: `${quoted(this.#location)} changed while it was being read`,
      advice: 'Try again when nothing writes to it.',
    });
  }
}
