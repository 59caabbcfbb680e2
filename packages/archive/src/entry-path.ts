import { Invalid } from '@knitfab/core';

/** Longest name of a file on Linux (NAME_MAX) and longest path (PATH_MAX less the terminating zero), in bytes. */
const maxNameBytes = 255;
const maxPathBytes = 4095;

/** No UTF-16 unit takes more bytes than this in UTF-8. */
const maxBytesPerUnit = 3;

/**
 * Checks the name of an archive's entry (`what` says so in the refusal) and brings it to one form: relative to the root, without `.`, doubled or trailing `/`;
 * empty for the root itself. Line breaks and other control characters are good names on Linux.
 * @throws {Invalid} for a name that is empty or absolute, that holds `..` or NUL, or that is too long
 */
export function entryPath(name: string, what = 'an entry named'): string {
  const refuse = (why: string) =>
    new Invalid({
      reason: `the archive holds ${what} ${quoted(name)}: ${why}`,
      advice: 'Pack a directory with names relative to it: tar -C DIRECTORY -c .',
    });
  if (name === '') throw refuse('the name is empty');
  if (name.startsWith('/')) throw refuse('the name is absolute');
  if (name.includes('\0')) throw refuse('the name holds a zero byte');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refuse('it leads out of the directory');
  if (parts.some((part) => isLonger(part, maxNameBytes))) {
    throw refuse(`a part of it is longer than ${maxNameBytes} bytes`);
  }
  const path = parts.join('/');
  if (isLonger(path, maxPathBytes)) throw refuse(`it is longer than ${maxPathBytes} bytes`);
  return path;
}

const isLonger = (text: string, bytes: number): boolean =>
  text.length * maxBytesPerUnit > bytes && Buffer.byteLength(text) > bytes;

/** A name as a message shows it: in quotes, control characters escaped, the middle of a long one left out. */
export function quoted(name: string): string {
  const shown = name.length > 200 ? `${name.slice(0, 150)}…${name.slice(-40)}` : name;
  return JSON.stringify(shown);
}
