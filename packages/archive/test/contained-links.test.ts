import { Invalid } from '@knitfab/core';
import { expect, it } from 'vitest';
import { checkLinks } from '../src/contained-links.ts';
import { TimeSlice } from '../src/time-slice.ts';
import type { WrittenDirectory } from '../src/written-tree.ts';

/** A directory of links, each of which leads to the next. */
function chain(length: number, last: string): WrittenDirectory {
  const root: WrittenDirectory = { kind: 'directory', name: '', children: new Map() };
  for (let i = 0; i < length; i++) {
    const target = i === length - 1 ? last : `l${i + 1}`;
    root.children.set(`l${i}`, { kind: 'link', name: `l${i}`, parent: root, target });
  }
  return root;
}

it('a chain of links, longer than any call stack, is followed to its end', async () => {
  await checkLinks(chain(100_000, 'file'), new TimeSlice());
  await checkLinks(chain(100_000, 'l0'), new TimeSlice());
  const leadsOut = checkLinks(chain(100_000, '../outside'), new TimeSlice());
  await expect(leadsOut).rejects.toThrow(Invalid);
  await expect(leadsOut).rejects.toThrow(/"l99999" to "\.\.\/outside"/);
});

it('many links through one long link cost no more than each by itself', async () => {
  const root = chain(1, `${'a/../'.repeat(50_000)}.`);
  for (let i = 0; i < 50_000; i++) {
    root.children.set(`m${i}`, { kind: 'link', name: `m${i}`, parent: root, target: 'l0/l0/l0/l0' });
  }
  await checkLinks(root, new TimeSlice());
});
