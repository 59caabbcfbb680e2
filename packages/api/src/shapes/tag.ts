import { checkedTag, maxTagKeyLength, maxTagValueBytes, parseTag } from '@knitfab/core';
import { z } from 'zod';
import { orInvalid } from './or-invalid.ts';

/** A tag as the wire writes it: `key:value`. */
export const tagText = z.string().meta({
  id: 'Tag',
  description: 'key:value; the key is all before the first ":"',
  examples: ['type:raw'],
});

// JSON Schema has the patterns of ECMAScript; they say what `parseTag` and `checkedTag` of core say.
const control = '\\u0000-\\u001f\\u007f-\\u009f';
const space = '\\s\\ufeff';
const trimmed = (characters: string) =>
  `[^${space}${characters}](?:[^${characters}]*[^${space}${characters}])?`;

/** A tag as text in requests: white space around key and value is trimmed. */
export const tagTextInput = z.string().meta({
  id: 'TagText',
  description: 'key:value; white space around either is trimmed',
  pattern: `^[${space}]*${trimmed(`:${control}`)}[${space}]*:[${space}]*(?:${trimmed(control)})?[${space}]*$`,
  examples: ['type:raw'],
});

const tagObjectInput = z
  .object({
    key: z.string().meta({ pattern: `^[^:${control}]+$`, maxLength: maxTagKeyLength }),
    value: z.string().meta({ pattern: `^[^${control}]*$`, maxLength: maxTagValueBytes }),
  })
  .meta({
    id: 'TagObject',
    description: 'A tag in parts; white space is kept',
    examples: [{ key: 'type', value: 'raw' }],
  });

/**
 * A tag as the wire accepts it: the string `key:value`, white space around either trimmed, or `{key, value}`, kept as it
 * is (spec page 2).
 */
export const tagInput = z
  .union([tagTextInput, tagObjectInput], {
    error: 'must be a tag, as "key:value" or {"key", "value"}',
  })
  .transform(orInvalid((input) => (typeof input === 'string' ? parseTag(input) : checkedTag(input))))
  .meta({ id: 'TagInput', description: 'A tag, as "key:value" or as an object' });

export type TagInput = z.input<typeof tagInput>;
