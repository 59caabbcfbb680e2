import { checkedTag, type Tag, userTagSet } from '@knitfab/core';
import { z } from 'zod';
import { listOrAbsent } from './absent.ts';
import { uuidText } from './ids.ts';
import { orInvalid } from './or-invalid.ts';
import { logPoint, mountpoint, planSummary } from './plan.ts';
import { runSummary } from './run.ts';
import { tagInput, tagText } from './tag.ts';

/** The Run that made a Data, as the output `mountpoint` or as the `log`. */
export const dataUpstream = z
  .object({ run: runSummary, mountpoint: mountpoint.optional(), log: logPoint.optional() })
  .meta({ id: 'DataUpstream' });

export const dataDownstream = z.object({ mountpoint, run: runSummary }).meta({ id: 'DataDownstream' });

export const nomination = z.object({ ...mountpoint.shape, plan: planSummary }).meta({ id: 'Nomination' });

export const dataDetail = z
  .object({
    knitId: uuidText,
    tags: z.array(tagText),
    upstream: dataUpstream,
    downstreams: z.array(dataDownstream),
    nomination: z.array(nomination),
  })
  .meta({ id: 'DataDetail' });

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

/** Removal first (spec page 2). */
export const tagChange = z
  .object({
    add: listOrAbsent(tagInput),
    remove: listOrAbsent(tagInput),
    remove_key: listOrAbsent(z.string()),
  })
  .transform(orInvalid(withoutSystemTags))
  .meta({ id: 'TagChange' });

export type DataDetail = z.infer<typeof dataDetail>;
export type Nomination = z.infer<typeof nomination>;
export type TagChange = z.input<typeof tagChange>;
