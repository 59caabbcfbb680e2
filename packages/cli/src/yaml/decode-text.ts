import { Invalid } from '@knitfab/core';

/**
 * The text of a file that people write, which has to be UTF-8; a byte order mark is no part of it.
 * @param name of the file, for messages
 * @throws {Invalid} for any other encoding, saying which it is where that shows
 */
export function decodeText(bytes: Uint8Array, name: string): string {
  const [first, second] = bytes;
  const isUtf16 =
    (first === 0xff && second === 0xfe) ||
    (first === 0xfe && second === 0xff) ||
    (bytes.length > 1 && (first === 0) !== (second === 0)); // without a mark: ASCII has a zero in every other byte
  if (isUtf16) {
    throw new Invalid({
      reason: `${name} is UTF-16`,
      advice: `Save it as UTF-8: iconv -f UTF-16 -t UTF-8 ${name}; in PowerShell: … | Out-File -Encoding utf8 ${name}`,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Invalid({
      reason: `${name}:${lineOfMistake(bytes)}: this is not UTF-8`,
      advice: 'Save the file as UTF-8. Is it Shift_JIS, EUC-JP or Latin-1?',
      cause: error,
    });
  }
}

/** The first line that is not UTF-8: no character of UTF-8 holds the byte of a line break. */
function lineOfMistake(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let line = 1, start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, start);
    const stop = end < 0 ? bytes.length : end + 1;
    try {
      decoder.decode(bytes.subarray(start, stop));
    } catch {
      return line;
    }
    start = stop;
  }
  return 1;
}
