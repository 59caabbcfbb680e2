import { checkedTag, parseTag } from '@knitfab/core';
import { z } from 'zod';
import { orInvalid } from './or-invalid.ts';

/** A tag as the wire writes it: `key:value`. */
export const tagText = z.string().meta({
  id: 'Tag',
  description: 'key:value; the key is all before the first ":"',
  examples: ['type:raw'],
});

/**
 * A tag as the wire accepts it: the string `key:value`, white space around either trimmed, or `{key, value}`, kept as it
 * is (spec page 2).
 */
export const tagInput = z
  .union([z.string(), z.object({ key: z.string(), value: z.string() })], {
    error: 'must be a tag, as "key:value" or {"key", "value"}',
  })
  .transform(orInvalid((input) => (typeof input === 'string' ? parseTag(input) : checkedTag(input))))
  .meta({ id: 'TagInput', description: 'A tag, as "key:value" or as an object' });

export type TagInput = z.input<typeof tagInput>;
