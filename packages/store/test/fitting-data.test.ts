import { parseTag } from '@knitfab/core';
import { expect, test } from 'vitest';
import { countFitting } from '../src/fitting-data.ts';
import { transaction } from '../src/index.ts';
import { sparsestTag } from '../src/nomination-backlog.ts';
import { tagIds } from '../src/tags.ts';
import { testStore } from './fixture.ts';
import { pushMany } from './many-data.ts';

const store = testStore();

test('of several tags, the one whose next Data reach the farthest leads to them', async () => {
  await pushMany(store, 120, 'f1:most');
  await pushMany(store, 25, 'f1:fewer');
  const wanted = [parseTag('f1:most'), parseTag('f1:fewer')];
  for (const tags of [wanted, wanted.toReversed()]) {
    // Of the one there are 20, or not even 50.
    for (const count of [20, 50]) {
      const sparsest = await transaction(store.db, async (tx) => {
        const ids = await tagIds(tx, tags);
        return tags[ids.indexOf((await sparsestTag(tx, ids, { count })) ?? 0)];
      });
      expect(sparsest).toEqual(parseTag('f1:fewer'));
    }
  }
});

test('counting those that fit ends when so many have been looked at, whether or not they fit', async () => {
  await pushMany(store, 40, 'f2:a');
  await pushMany(store, 60, 'f2:b');
  const count = (tags: string[], bounds: { most?: number; looked?: number }) =>
    transaction(store.db, (tx) => countFitting(tx, tags.map(parseTag), bounds));
  expect(await count(['f2:a'], { looked: 30 })).toBe(30);
  expect(await count(['f2:a'], { most: 7, looked: 30 })).toBe(7);
  expect(await count(['f2:a'], {})).toBe(40);
  expect(await count(['f2:a', 'f2:b'], { looked: 30 })).toBe(0);
});
