import { readdirSync } from 'node:fs';
import { Conflict, Invalid } from '@knitfab/core';
import { ArchiveReader } from './archive-reader.ts';
import { emptyTree } from './empty-tree.ts';
import { quoted } from './entry-path.ts';
import { SyncAhead } from './sync-ahead.ts';
import { syncTree } from './sync-tree.ts';
import { unwritable } from './system-error.ts';
import { TimeSlice } from './time-slice.ts';
import { type OutwardLink, TreeWriter } from './tree-writer.ts';
import { untilAborted } from './until-aborted.ts';

export interface UnpackOptions {
  /** Where symbolic links may lead: only within the tree (uploads), or anywhere (one's own downloads). Hard links stay within. */
  readonly links: 'inside' | 'any';
  /** Told of the symbolic links that lead out of the tree, where they may. */
  readonly onOutwardLinks?: (links: readonly OutwardLink[]) => void;
  /** Whether what was unpacked must survive a power cut. */
  readonly durable: boolean;
  /** Whether this process has nothing else to do meanwhile: then large files are written by calls that block, which is faster. */
  readonly mayBlock?: boolean;
  readonly limits?: UnpackLimits;
  readonly signal?: AbortSignal;
}

export interface UnpackLimits {
  /** How many entries an archive may have; 10,000,000 when left out. */
  readonly entries?: number;
  /** How many bytes the contents of its files may have together, such as the free space; any number when left out. */
  readonly bytes?: number;
}

const defaultMaxEntries = 10_000_000;

/**
 * Unpacks a plain tar stream (ustar, GNU tar, pax) from an untrusted source into an empty directory that nobody else writes to:
 * contents, permission bits, times, symbolic and hard links, empty directories. Owners are not restored, and so neither are
 * set-user-id and set-group-id of files. After any failure the directory is empty again. The chunks are taken over: the memory
 * of those that are written is given back.
 * @throws {Invalid} when the archive is damaged or cut off, exceeds a limit, tries to leave the directory, or holds what can't be
 * kept
 * @throws {Conflict} when the directory is not empty to begin with; what it holds stays
 * @throws {Unavailable} when the disk is full
 * @throws the reason of the signal when that aborts, the error of the source when that fails
 */
export async function unpackTree(
  tar: AsyncIterable<Buffer>,
  directory: string,
  options: UnpackOptions,
): Promise<void> {
  if (readdirSync(directory).length > 0) {
    throw new Conflict(`the directory ${quoted(directory)} is not empty`);
  }
  const writer = new TreeWriter(directory, options);
  const syncAhead = options.durable ? new SyncAhead(directory) : undefined;
  try {
    await unpack(tar, writer, options, syncAhead);
    await syncAhead?.settle();
    if (options.durable) await syncTree(directory);
  } catch (error) {
    // The failure that led here is the one to tell of; whoever made the directory removes it.
    await Promise.allSettled([writer.abandon(), syncAhead?.settle()]);
    await emptyTree(directory).catch(() => {});
    throw unwritable(error);
  }
}

async function unpack(
  tar: AsyncIterable<Buffer>,
  writer: TreeWriter,
  { links, onOutwardLinks, limits = {}, signal }: UnpackOptions,
  syncAhead: SyncAhead | undefined,
): Promise<void> {
  const reader = new ArchiveReader();
  const allowance = new Allowance(limits);
  const slice = new TimeSlice();
  for await (const chunk of signal === undefined ? tar : untilAborted(tar, signal)) {
    for (const part of reader.read(chunk)) {
      if (Buffer.isBuffer(part)) {
        const writing = writer.content(part);
        if (writing !== undefined) await writing;
      } else {
        allowance.take(part.size);
        writer.add(part);
        syncAhead?.note(part);
      }
      if (slice.isOver) await slice.next();
    }
  }
  reader.finish();
  if (links === 'inside') await writer.checkLinks(slice);
  else onOutwardLinks?.(await writer.outwardLinks(slice));
  await writer.finish(slice);
}

/** What is left of the limits. A size counts as soon as a header announces it: so much will be written, and no more. */
class Allowance {
  readonly #limits: Required<UnpackLimits>;
  #entries = 0;
  #bytes = 0;

  constructor({ entries = defaultMaxEntries, bytes = Number.POSITIVE_INFINITY }: UnpackLimits) {
    this.#limits = { entries, bytes };
  }

  take(size: number): void {
    this.#entries++;
    this.#bytes += size;
    const { entries, bytes } = this.#limits;
    if (this.#entries > entries) throw new Invalid(`the archive holds more than ${entries} entries`);
    if (this.#bytes > bytes)
      throw new Invalid(`the archive holds more than the ${bytes} bytes that there is room for`);
  }
}
