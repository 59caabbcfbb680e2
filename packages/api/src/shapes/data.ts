import { checkedTag, maxTagKeyLength, type Tag, userTagSet } from '@knitfab/core';
import { z } from 'zod';
import { listOrAbsent } from './absent.ts';
import { dataExample } from './examples.ts';
import { uuidText } from './ids.ts';
import { orInvalid } from './or-invalid.ts';
import { logPoint, mountpoint, planSummary } from './plan.ts';
import { runSummary } from './run.ts';
import { tagInput, tagText } from './tag.ts';

/** The Run that made a Data, as the output `mountpoint` or as the `log`. */
export const dataUpstream = z
  .object({ run: runSummary, mountpoint: mountpoint.optional(), log: logPoint.optional() })
  .meta({
    id: 'DataUpstream',
    description: 'The Run that made a Data, as an output (`mountpoint`) or as its `log`',
  });

export const dataDownstream = z
  .object({ mountpoint, run: runSummary })
  .meta({ id: 'DataDownstream', description: 'A Run that uses a Data, and where' });

export const nomination = z
  .object({ ...mountpoint.shape, plan: planSummary })
  .meta({ id: 'Nomination', description: 'An input of a Plan that a Data fits' });

export const dataDetail = z
  .object({
    knitId: uuidText,
    tags: z.array(tagText),
    upstream: dataUpstream,
    downstreams: z.array(dataDownstream),
    nomination: z.array(nomination),
  })
  .meta({
    id: 'DataDetail',
    description: 'A Data: its tags, the Run that made it, those that use it, and the inputs that it fits',
    examples: [dataExample],
  });

/** Users can't give or take system tags (spec page 2): a 400. */
function withoutSystemTags<Change extends { add: Tag[]; remove: Tag[]; remove_key: string[] }>(
  change: Change,
): Change {
  userTagSet(change.add, 'add');
  userTagSet(change.remove, 'remove');
  userTagSet(
    change.remove_key.map((key) => checkedTag({ key, value: '' })),
    'remove_key',
  );
  return change;
}

const tagKey = z
  .string()
  .meta({ description: 'The key of a tag', minLength: 1, maxLength: maxTagKeyLength, examples: ['type'] });

/** Removal first (spec page 2). */
export const tagChange = z
  .object({
    add: listOrAbsent(tagInput),
    remove: listOrAbsent(tagInput),
    remove_key: listOrAbsent(tagKey),
  })
  .transform(orInvalid(withoutSystemTags))
  .meta({
    id: 'TagChange',
    description: 'Removal comes first; `remove_key` removes all tags of a key. No tag may begin with knit#',
    examples: [
      { add: ['type:clean', { key: 'owner', value: 'ann' }], remove: ['type:raw'], remove_key: ['todo'] },
    ],
  });

export type DataDetail = z.infer<typeof dataDetail>;
export type Nomination = z.infer<typeof nomination>;
export type TagChange = z.input<typeof tagChange>;
