import { Invalid } from './errors.ts';
import { controlCharacter, shorten } from './text.ts';

/**
 * Reads annotations `key=value` into a sorted set; the same key may occur with several values (spec page 1).
 * @throws {Invalid} for text without `=`, or with an empty key
 */
export function annotationSet(texts: Iterable<string>): string[] {
  const set = new Set<string>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    const key = text.slice(0, Math.max(equals, 0)).trim();
    if (key === '') {
      throw new Invalid({
        reason: `"${shorten(text)}" is not an annotation`,
        advice: 'Write it as key=value, such as owner=alice.',
      });
    }
    if (controlCharacter(text) !== undefined)
      throw new Invalid(`the annotation "${shorten(key)}" holds a control character`);
    set.add(`${key}=${text.slice(equals + 1).trim()}`);
  }
  return [...set].sort();
}

export const annotationKey = (annotation: string): string => annotation.slice(0, annotation.indexOf('='));
