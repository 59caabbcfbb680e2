/**
 * What could drive a terminal, or show text in another order than it is written in: control characters (C0, DEL, C1), line
 * separators, and the marks, embeddings, overrides and isolates of bidirectional text (Unicode Standard Annex #9).
 */
const hidden = '\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069';
const harmful = new RegExp(`[${hidden}]`, 'gu');
const harmfulButLineBreaks = new RegExp(`(?!\\n)[${hidden}]`, 'gu');

/** Shows such characters as what they are, so that no tag, no message and no file name can command the terminal. */
export const harmless = (text: string): string => text.toWellFormed().replaceAll(harmful, shown);

/** The same for a text of several lines. */
export const harmlessLines = (text: string): string =>
  text.toWellFormed().replaceAll(harmfulButLineBreaks, shown);

function shown(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length > 2 ? `\\u{${code}}` : `\\x${code.padStart(2, '0')}`;
}

/** Writes such characters in a JSON text, or in a double-quoted YAML text, as escapes: it means the same as before. */
export const escapedInQuotes = (text: string): string =>
  text.replaceAll(
    harmfulButLineBreaks,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );

/** Whether a text holds any of them. */
export const isHarmful = (text: string): boolean => text.search(harmful) >= 0;
