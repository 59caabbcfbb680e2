import { Invalid } from './errors.ts';
import { isUuid } from './id.ts';
import { controlCharacter, shorten } from './text.ts';
import { canonicalTime, parseInstant } from './time.ts';

/** A pair `key:value`; the key holds no `:` (spec page 1). */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** Keys that begin so are system tags: users can't add or remove them. */
export const systemTagPrefix = 'knit#';
export const idTagKey = 'knit#id';
export const timestampTagKey = 'knit#timestamp';
export const transientTagKey = 'knit#transient';

/** Longest key, in characters (Unicode code points). */
export const maxTagKeyLength = 1024;
/** Largest value, in bytes of UTF-8. */
export const maxTagValueBytes = 1024 * 1024;

export const isSystemTag = (tag: Tag): boolean => tag.key.startsWith(systemTagPrefix);

/**
 * Reads `key:value`: the key is all before the first `:`, white space around either is trimmed.
 * @throws {Invalid} when there is no `:`, the key is empty, or a limit is passed
 */
export function parseTag(text: string): Tag {
  const colon = text.indexOf(':');
  if (colon < 0) {
    throw new Invalid({
      reason: `"${shorten(text)}" is not a tag: there is no ":" between key and value`,
      advice: 'Write it as key:value, such as type:raw.',
    });
  }
  return checkedTag({ key: text.slice(0, colon).trim(), value: text.slice(colon + 1).trim() });
}

/**
 * Checks a tag given as an object; white space is kept (spec page 2).
 * @throws {Invalid} for an empty key, a `:` in the key, control characters, or a length beyond the limits
 */
export function checkedTag(tag: Tag): Tag {
  const { key, value } = tag;
  if (key === '')
    throw new Invalid({
      reason: 'a tag has an empty key',
      advice: 'Write tags as key:value, such as type:raw.',
    });
  if (key.includes(':')) {
    throw new Invalid({
      reason: `the tag key "${shorten(key)}" holds a ":"`,
      advice: 'The key ends at the first ":".',
    });
  }
  const control = controlCharacter(key) ?? controlCharacter(value);
  if (control !== undefined) {
    throw new Invalid({
      reason: `the tag "${shorten(key)}" holds ${control}`,
      advice: 'Any Unicode text is a good tag, but not control characters.',
    });
  }
  if ([...key].length > maxTagKeyLength) {
    throw new Invalid(`the tag key "${shorten(key)}" is longer than ${maxTagKeyLength} characters`);
  }
  if (value.length > maxTagValueBytes || new TextEncoder().encode(value).length > maxTagValueBytes) {
    throw new Invalid(`the value of the tag "${shorten(key)}" is larger than 1 MiB`);
  }
  return { key, value };
}

export const formatTag = (tag: Tag): string => `${tag.key}:${tag.value}`;

/** Orders tags by their written form, code unit by code unit, as the wire sorts them. */
export function compareTags(a: Tag, b: Tag): number {
  const [left, right] = [formatTag(a), formatTag(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A set of tags: sorted, each once. */
export function tagSet(tags: Iterable<Tag>): Tag[] {
  const unique = new Map<string, Tag>();
  for (const tag of tags) unique.set(formatTag(tag), tag);
  return [...unique.values()].sort(compareTags);
}

/**
 * A set of tags that users give to Data, outputs and logs: no system tags.
 * @throws {Invalid} for a system tag
 */
export function userTagSet(tags: Iterable<Tag>, place: string): Tag[] {
  const set = tagSet(tags);
  const system = set.find(isSystemTag);
  if (system !== undefined) {
    throw new Invalid({
      reason: `${place} names the system tag "${shorten(formatTag(system))}"`,
      advice: `Tags that begin with ${systemTagPrefix} are made by the system; take it out.`,
    });
  }
  return set;
}

/**
 * A set of tags that a Plan input asks for: user tags, and to pin one Data `knit#id` and `knit#timestamp` with one value
 * each. Ids and timestamps come back in their one spelling.
 * @throws {Invalid} for other system tags, two values of one, or values that are no id or time
 */
export function inputTagSet(tags: Iterable<Tag>, place: string): Tag[] {
  const set = tagSet([...tags].map(canonicalSystemTag));
  for (const key of [idTagKey, timestampTagKey]) {
    if (set.filter((tag) => tag.key === key).length > 1) {
      throw new Invalid({
        reason: `${place} asks for two values of ${key}`,
        advice: 'No Data can have both; keep one.',
      });
    }
  }
  const other = set.find((tag) => isSystemTag(tag) && tag.key !== idTagKey && tag.key !== timestampTagKey);
  if (other !== undefined) {
    throw new Invalid({
      reason: `${place} names the system tag "${shorten(formatTag(other))}"`,
      advice: `An input may ask for ${idTagKey} and ${timestampTagKey}, but for no other tag that begins with ${systemTagPrefix}.`,
    });
  }
  return set;
}

/** Gives `knit#id` and `knit#timestamp` their one spelling, so that equal values are equal strings. */
export function canonicalSystemTag(tag: Tag): Tag {
  if (tag.key === timestampTagKey) {
    const value = canonicalTime(parseInstant(tag.value));
    // Calendars have no year 0 (nor has PostgreSQL), and no Data is that old.
    if (value.startsWith('0000-')) throw new Invalid(`"${shorten(formatTag(tag))}" is before the year 1`);
    return { key: tag.key, value };
  }
  if (tag.key === idTagKey) {
    if (!isUuid(tag.value)) {
      throw new Invalid({
        reason: `"${shorten(formatTag(tag))}" is not the id of a Data`,
        advice: 'Write it as knit#id:UUID.',
      });
    }
    return { key: tag.key, value: tag.value.toLowerCase() };
  }
  return tag;
}
