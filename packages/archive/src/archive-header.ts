import { Invalid } from '@knitfab/core';
import { Header } from 'tar/header';
import type { ArchiveEntry } from './archive-entry.ts';
import { quoted } from './entry-path.ts';
import { type ExtendedHeader, sparse, textUpToZero } from './extended-header.ts';

/** No file system keeps times further from the epoch than this (seconds; some 35,000 years). */
const maxTime = 2 ** 40;

const kinds: Readonly<Record<string, ArchiveEntry['kind']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'hard-link',
  '2': 'symbolic-link',
  '5': 'directory',
};

const refusedKinds: Readonly<Record<string, string>> = {
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a FIFO',
  D: 'a directory of an incremental backup',
  M: 'the continuation of a file on another volume',
  V: 'a volume label',
};

/** The header in a block of 512 bytes; undefined when one of its numbers is none. */
export function decodeHeader(block: Buffer): Header | undefined {
  try {
    return new Header(block);
  } catch {
    return undefined;
  }
}

/**
 * The entry that a header and the extended headers before it tell of.
 * @throws {Invalid} when it is of a kind that can't be kept, or its size, time or name makes no sense
 */
export function entryOf(header: Header, block: Buffer, extended: ExtendedHeader): ArchiveEntry {
  const path = extended.path ?? nameOf(block);
  const kind = kindOf(typeOf(block), path);
  const size = extended.size ?? declaredSize(header, block);
  const mtime = extended.mtime ?? (header.mtime?.getTime() ?? 0) / 1000;
  if (size === undefined || (size > 0 && kind !== 'file')) {
    throw new Invalid(`the archive is damaged: ${quoted(path)} has an impossible size`);
  }
  if (!(Math.abs(mtime) <= maxTime)) {
    throw new Invalid(`the archive is damaged: ${quoted(path)} has an impossible time`);
  }
  const mode = (header.mode ?? (kind === 'directory' ? 0o755 : 0o644)) & 0o7777;
  if (kind === 'file' || kind === 'directory') return { kind, path, mode, mtime, size };
  const target = extended.target ?? textUpToZero(block.subarray(157, 257));
  return { kind, path, mode, mtime, size, target };
}

/** The type flag in a header's block. */
export const typeOf = (block: Buffer): string => String.fromCharCode(block[156] ?? 0);

function kindOf(type: string, path: string): ArchiveEntry['kind'] {
  if (type === 'S') throw sparse(quoted(path));
  const kind = kinds[type];
  if (kind === undefined) {
    throw new Invalid({
      reason: `the archive holds ${quoted(path)}, ${refusedKinds[type] ?? `an entry of the unknown type ${quoted(type)}`}`,
      advice: 'Only files, directories, symbolic and hard links can be kept.',
    });
  }
  return kind === 'file' && path.endsWith('/') ? 'directory' : kind;
}

/** Undefined when it is no size. `Header` takes every directory's as zero, where other readers skip what it says. */
function declaredSize(header: Header, block: Buffer): number | undefined {
  if (header.size !== 0) return header.size;
  return block.subarray(124, 136).every((byte) => byte === 0 || byte === 0x20 || byte === 0x30)
    ? 0
    : undefined;
}

/** The name in a header: in the ustar format (whose magic ends with a zero, GNU tar's does not) with its prefix. */
function nameOf(block: Buffer): string {
  const name = textUpToZero(block.subarray(0, 100));
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? textUpToZero(block.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}
