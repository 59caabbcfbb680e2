import { readFileSync } from 'node:fs';
import { expect, it, test } from 'vitest';
import { giveBack } from '../src/give-back.ts';
import { unpackTree } from '../src/index.ts';
import { archive, entry } from './tar-blocks.ts';
import { temporaryDirectory } from './temporary-directory.ts';

test.for([true, false])(
  'the memory of what was unpacked is given back (blocking calls: %s)',
  async (mayBlock) => {
    const content = 'ab'.repeat(500_000);
    const bytes = archive(entry({ name: 'large', content }));
    const chunks: Buffer[] = [];
    for (let start = 0; start < bytes.length; start += 64 * 1024) {
      chunks.push(Buffer.from(new Uint8Array(bytes.subarray(start, start + 64 * 1024)).buffer));
    }
    const directory = temporaryDirectory();
    await unpackTree(from([...chunks]), directory, { links: 'inside', durable: true, mayBlock });
    expect(readFileSync(`${directory}/large`, 'latin1')).toBe(content);
    // The first and the last hold a header and the end of the archive, too.
    expect(chunks.slice(1, -1).map(({ length }) => length)).toEqual(chunks.slice(1, -1).map(() => 0));
  },
);

it('leaves memory alone that others share', () => {
  const whole = Buffer.alloc(100_000, 'x');
  giveBack(whole.subarray(0, 50_000));
  expect(whole.length).toBe(100_000);
  giveBack(Buffer.from(new ArrayBuffer(0)));
});

async function* from(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  yield* chunks;
}
