/**
 * Names the first character of `text` that can't be shown or stored as UTF-8: C0 (tabs and line breaks too), DEL, C1, and
 * lone surrogates. Undefined when there is none.
 */
export function controlCharacter(text: string): string | undefined {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) {
      return `the control character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
    }
    if (code >= 0xd800 && code <= 0xdfff) return 'half of a surrogate pair';
  }
  return undefined;
}

/** Text from outside as a message quotes it: its beginning, where it is long. */
export const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 77)}…` : text);
