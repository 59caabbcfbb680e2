import { Invalid, parseInstant } from '@knitfab/core';

const cut =
  /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?\s*([Zz]|[+-]\d{2}:\d{2})?$/;

/**
 * Reads a time that is RFC 3339, cut anywhere after the date, with `T` or a space, in local time when no offset is named
 * (spec page 3).
 * @returns the time in full as RFC 3339
 * @throws {Invalid} for any other text, and for dates that no calendar holds
 */
export function parseSince(text: string): string {
  const match = cut.exec(text.trim());
  if (match === null) {
    throw new Invalid({
      reason: `"${text}" is not a time`,
      advice:
        'Write it as RFC 3339, cut anywhere after the date: 2024-03-06, 2024-03-06T09:25 or 2024-03-06T09:25:16+09:00',
    });
  }
  const [, date = '', hour = '00', minute = '00', second = '00', digits, offset] = match;
  const fraction = digits === undefined ? '' : `.${digits}`;
  const written = `${date}T${hour}:${minute}:${second}`;
  parseInstant(`${written}${fraction}${offset ?? 'Z'}`);
  // Without an offset, Date reads such a text as local time.
  return offset === undefined
    ? new Date(written).toISOString().replace(/\.\d+Z$/, `${fraction}Z`)
    : `${written}${fraction}${offset}`;
}
