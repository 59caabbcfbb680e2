import { type KnitId, parseTag } from '@knitfab/core';
import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { dryRunTags, dryRunUpload, snapshot } from '../src/index.ts';
import { testStore } from './fixture.ts';

const store = testStore();

const allTags = ['1', '2', '3'];
const someTags = fc.subarray(allTags);
const askedTags = fc.subarray(allTags, { minLength: 1 });

/** Plans by their inputs, Data by their tags, and what is done to some Data, one after the other. */
const worlds = fc.record({
  plans: fc.uniqueArray(fc.array(askedTags, { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 3,
    selector: (plan) => JSON.stringify(plan),
  }),
  data: fc.array(someTags, { minLength: 1, maxLength: 3 }),
  changes: fc.array(fc.record({ data: fc.nat(), add: someTags, remove: someTags, removeKey: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  }),
  pushed: someTags,
});

const countRuns = async (): Promise<number> =>
  (
    await sql<{ runs: number }>`select count(*) as runs from run where combination is not null`.execute(
      store.db,
    )
  ).rows[0]?.runs ?? 0;

test('what a dry run tells is what happens', async () => {
  let world = 0;
  await fc.assert(
    fc.asyncProperty(worlds, async ({ plans, data, changes, pushed }) => {
      const name = `w${world++}`;
      const tags = (values: string[]) => values.map((value) => `${name}:${value}`);
      for (const inputs of plans)
        await store.plan(Object.fromEntries(inputs.map((values, nr) => [`/in${nr}`, tags(values)])));
      const knitIds: KnitId[] = [];
      for (const values of data) knitIds.push(await store.push(...tags(values)));
      await store.project();
      for (const { data: which, add, remove, removeKey } of changes) {
        const knitId = knitIds[which % knitIds.length] as KnitId;
        const removeKeys = removeKey ? [name] : [];
        const change = { add: tags(add).map(parseTag), remove: tags(remove).map(parseTag), removeKeys };
        const told = await snapshot(store.db, (tx) => dryRunTags(tx, knitId, change));
        const before = await countRuns();
        await store.tag(knitId, { add: tags(add), remove: tags(remove), removeKeys });
        await store.project();
        expect(told.runs.count).toBe((await countRuns()) - before);
      }
      const told = await snapshot(store.db, (tx) => dryRunUpload(tx, tags(pushed).map(parseTag)));
      const before = await countRuns();
      await store.push(...tags(pushed));
      await store.project();
      expect(told.runs.count).toBe((await countRuns()) - before);
    }),
    { numRuns: 25 },
  );
});
