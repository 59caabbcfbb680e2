import type { KnitId } from '@knitfab/core';
import { describe, expect, test } from 'vitest';
import { dataDetails, snapshot } from '../src/index.ts';
import { testStore } from './fixture.ts';

const store = testStore();

async function nominatedTo(knitId: KnitId): Promise<string[]> {
  const [data] = await snapshot(store.db, (tx) => dataDetails(tx, [knitId]));
  return (data?.nomination ?? []).map((each) => `${each.plan.planId} ${each.path}`).sort();
}

describe('a Data is nominated to an input', () => {
  test('when its tags contain all of the input, and to every input that fits', async () => {
    const both = await store.plan({ '/a': ['n1:x', 'n1:y'], '/b': ['n1:x'] }, { '/out': [] });
    const data = await store.push('n1:x', 'n1:y', 'n1:z');
    const lacking = await store.push('n1:y');
    expect(await nominatedTo(data)).toEqual([`${both} /a`, `${both} /b`]);
    expect(await nominatedTo(lacking)).toEqual([]);
  });

  test('whether the Data or the Plan came first', async () => {
    const data = await store.push('n2:x');
    const plan = await store.plan({ '/a': ['n2:x'] });
    expect(await nominatedTo(data)).toEqual([`${plan} /a`]);
  });

  test('and withdrawn when it loses a tag, and nominated again when it gets it back', async () => {
    const plan = await store.plan({ '/a': ['n3:x', 'n3:y'] });
    const data = await store.push('n3:x', 'n3:y');
    await store.tag(data, { remove: ['n3:y'] });
    expect(await nominatedTo(data)).toEqual([]);
    await store.tag(data, { add: ['n3:y'] });
    expect(await nominatedTo(data)).toEqual([`${plan} /a`]);
  });

  test('by its id alone, and no other Data is', async () => {
    const data = await store.push();
    const plan = await store.plan({ '/a': [`knit#id:${data.toUpperCase()}`] });
    const other = await store.push();
    expect(await nominatedTo(data)).toEqual([`${plan} /a`]);
    expect(await nominatedTo(other)).toEqual([]);
  });

  test('by its timestamp in any offset, together with its tags', async () => {
    const data = await store.push('n5:x');
    const [detail] = await snapshot(store.db, (tx) => dataDetails(tx, [data]));
    const stamp =
      detail?.tags.find((tag) => tag.startsWith('knit#timestamp:'))?.slice('knit#timestamp:'.length) ?? '';
    const local = new Date(Date.parse(stamp) + 9 * 3600_000).toISOString().replace('Z', '+09:00');
    const plan = await store.plan({ '/a': ['n5:x', `knit#timestamp:${local}`] });
    const alone = await store.plan({ '/a': [`knit#timestamp:${local}`] });
    const finer = await store.plan({ '/a': ['n5:x', `knit#timestamp:${local.replace('+', '001+')}`] });
    const lacking = await store.plan({ '/a': ['n5:absent', `knit#timestamp:${local}`] });
    const nominated = await nominatedTo(data);
    expect(nominated).toEqual([`${plan} /a`, `${alone} /a`].sort());
    expect(nominated.join()).not.toContain(finer);
    expect(nominated.join()).not.toContain(lacking);
  });

  test('only once its Run is done', async () => {
    const maker = await store.plan({ '/in': ['n6:raw'] }, { '/out': ['n6:made'] });
    const user = await store.plan({ '/in': ['n6:made'] });
    await store.push('n6:raw');
    await store.push('n6:raw');
    await store.project();
    const [good, bad] = await store.runsOf(maker);
    const output = (run: typeof good) => run?.outputs[0]?.knitId as KnitId;
    expect(await nominatedTo(output(good))).toEqual([]);
    if (good) await store.finish(good.runId, 'done');
    if (bad) await store.finish(bad.runId, 'failed');
    expect(await nominatedTo(output(good))).toEqual([`${user} /in`]);
    expect(await nominatedTo(output(bad))).toEqual([]);
  });

  test('when a tag of 1 MiB, and one that differs in its last character, are told apart', async () => {
    const long = 'x'.repeat(1024 * 1024 - 1);
    const plan = await store.plan({ '/a': [`n7:${long}a`] });
    const same = await store.push(`n7:${long}a`);
    const other = await store.push(`n7:${long}b`);
    expect(await nominatedTo(same)).toEqual([`${plan} /a`]);
    expect(await nominatedTo(other)).toEqual([]);
  });
});

test('tags and Plans that come at the same moment miss no nomination', async () => {
  const pairs = await Promise.all(
    Array.from({ length: 30 }, async (_, nr) => {
      const data = await store.push();
      const [plan] = await Promise.all([
        store.plan({ '/a': [`n8:${nr}`, 'n8:all'] }),
        store.tag(data, { add: [`n8:${nr}`, 'n8:all'] }),
      ]);
      return { data, plan };
    }),
  );
  for (const { data, plan } of pairs) expect(await nominatedTo(data)).toEqual([`${plan} /a`]);
});
