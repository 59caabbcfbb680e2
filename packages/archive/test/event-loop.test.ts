import { setImmediate } from 'node:timers/promises';
import { packTree, unpackTree } from '@knitfab/archive';
import { expect, it } from 'vitest';
import { archive, entry, hardLink, inChunks } from './tar-blocks.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** How often the event loop turned while the work was done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  for (; !isDone; turns++) await setImmediate();
  await done;
  return turns;
}

it('everything else has its turn while many small files are unpacked and packed', async () => {
  const tree = temporaryDirectory();
  const names = Array.from({ length: 10_000 }, (_, i) => hardLink(`${i}`, 'file'));
  const bytes = archive(entry({ name: 'file' }), ...names);
  const unpacking = unpackTree(inChunks(bytes, bytes.length), tree, { links: 'inside', durable: false });
  expect(await turnsDuring(unpacking)).toBeGreaterThan(5);
  const packing = (async () => {
    for await (const _ of packTree(tree));
  })();
  expect(await turnsDuring(packing)).toBeGreaterThan(5);
});
