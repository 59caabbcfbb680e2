import { isUtf8 } from 'node:buffer';
import { Invalid } from '@knitfab/core';

/** What the header blocks before an entry (POSIX pax records, GNU long names) say of it. */
export interface ExtendedHeader {
  path?: string;
  target?: string;
  /** Bytes */
  size?: number;
  /** Seconds since the epoch */
  mtime?: number;
}

/**
 * Reads the records of a pax extended header: `LENGTH KEY=VALUE\n`, the length counting the whole record (POSIX pax). Keys that
 * this archive format does not keep (owners, extended attributes, comments) are passed over.
 * @throws {Invalid} for a record that is none, and for a sparse file
 */
export function readPaxRecords(bytes: Buffer): ExtendedHeader {
  const header: ExtendedHeader = {};
  let start = 0;
  while (start < bytes.length) {
    const space = bytes.indexOf(0x20, start);
    const digits = bytes.toString('latin1', start, space < 0 ? bytes.length : space);
    const end = start + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    const isRecord =
      /^\d{1,9}$/.test(digits) &&
      end <= bytes.length &&
      bytes[end - 1] === 0x0a &&
      equals > space &&
      equals < end;
    if (!isRecord) throw new Invalid('the archive is damaged: an extended header holds what is no record');
    takeRecord(header, bytes.toString('latin1', space + 1, equals), bytes.subarray(equals + 1, end - 1));
    start = end;
  }
  return header;
}

function takeRecord(header: ExtendedHeader, key: string, value: Buffer): void {
  if (key.startsWith('GNU.sparse.')) throw sparse();
  if (key === 'path') header.path = utf8(value);
  if (key === 'linkpath') header.target = utf8(value);
  if (key === 'size') header.size = wholeNumber(value);
  if (key === 'mtime') header.mtime = seconds(value);
}

/** The refusal of sparse files: the content of such an entry is not the file's. */
export const sparse = (name?: string): Invalid =>
  new Invalid({
    reason: `the archive holds a sparse file${name === undefined ? '' : ` ${name}`}`,
    advice: 'Pack without --sparse (-S).',
  });

/**
 * A name from its bytes.
 * @throws {Invalid} when they are not UTF-8: such a name could not come back as it was
 */
export function utf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) {
    throw new Invalid({
      reason: `the archive holds the name ${escaped(bytes)}, which is not UTF-8`,
      advice: 'Rename the file.',
    });
  }
  return bytes.toString('utf8');
}

/** A name from a field that a zero byte ends, or that it fills; {@link utf8} */
export function textUpToZero(field: Buffer): string {
  const zero = field.indexOf(0);
  return utf8(zero < 0 ? field : field.subarray(0, zero));
}

/** Bytes that are not text, the first of them, as a message shows them. */
export function escaped(bytes: Buffer): string {
  const shown = bytes
    .toString('latin1', 0, 255)
    .replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `"${shown}"`;
}

function wholeNumber(value: Buffer): number {
  const text = value.toString('latin1');
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number)) {
    throw new Invalid(`the archive is damaged: an entry has the size ${escaped(value)}`);
  }
  return number;
}

function seconds(value: Buffer): number {
  const text = value.toString('latin1');
  if (!/^-?\d+(\.\d*)?$/.test(text)) {
    throw new Invalid(`the archive is damaged: an entry has the time ${escaped(value)}`);
  }
  return Number(text);
}
