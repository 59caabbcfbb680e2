import fc from 'fast-check';
import { expect, it } from 'vitest';
import { arrayItems } from '../src/client/array-items.ts';

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function read(text: string, size = 7): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of arrayItems(inPieces(text, size))) items.push(item);
  return items;
}

it('any array is read as a parser reads it, however it is cut and indented', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue()),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(undefined, 4, '\t'),
      async (items, size, indent) => {
        const text = JSON.stringify(items, null, indent);
        expect(await read(text, size)).toEqual(JSON.parse(text));
      },
    ),
  );
});

it('an item is there as soon as it has arrived, whatever follows', async () => {
  const items = arrayItems(inPieces('[{"a":"]}"}, {"b', 3));
  expect((await items.next()).value).toEqual({ a: ']}' });
  await expect(items.next()).rejects.toThrow(SyntaxError);
});

it('null is an empty list', async () => {
  expect(await read(' null\n', 2)).toEqual([]);
});

it.each([
  '',
  '{}',
  '"[]"',
  '[1',
  '[1,]',
  '[,1]',
  '[1] 2',
  '[1][2]',
  '<html>',
  '[}',
  '[1}]',
  'nul',
  'null[]',
  'null null',
])('%j is no array', async (text) => {
  await expect(read(text)).rejects.toThrow(SyntaxError);
});
