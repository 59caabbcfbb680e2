import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KnitServer } from '../../../e2e/knit-server.ts';
import { Wire } from './wire.ts';

let server: KnitServer;
let wire: Wire;
let knitId: string;

beforeAll(async () => {
  server = await KnitServer.start();
  wire = new Wire(server.client.apiRoot);
  const tree = await mkdtemp(join(tmpdir(), 'knit-tree-'));
  knitId = await wire.push(tree);
  await rm(tree, { recursive: true });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

// Any Unicode but control characters and half pairs, of all planes, with much of what may be mistaken for syntax.
const character = fc.oneof(
  fc.constantFrom(
    ...'"\\\'%_:;,+&=#?/{}()[]|$`~ \u00a0\u3000\ufeff\u200b\u2028',
    'ガ',
    'カ\u3099',
    '🧶',
    'null',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
);
const isText = (text: string) => text.isWellFormed() && !/\p{Cc}/u.test(text);
const value = fc.string({ unit: character, maxLength: 12 }).filter(isText);
const key = value.filter((text) => text !== '' && !text.includes(':') && !text.startsWith('knit#'));

test('any tags that a Data may have come back as they were given, sorted, and find it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ key, value }), { minLength: 1, maxLength: 5 }), async (tags) => {
      const written = [...new Set(tags.map((tag) => `${tag.key}:${tag.value}`))].sort();
      const { json } = await wire.put(`/api/data/${knitId}`, { add: tags });
      expect(json.tags.filter((tag: string) => !tag.startsWith('knit#'))).toEqual(written);
      // In a query white space around key and value is trimmed: only tags without any are found by their text.
      const found = tags.filter((tag) => tag.key === tag.key.trim() && tag.value === tag.value.trim());
      const query = new URLSearchParams(
        found.map((tag): [string, string] => ['tag', `${tag.key}:${tag.value}`]),
      );
      expect(
        (await wire.get(`/api/data?${query}`)).json.map((data: { knitId: string }) => data.knitId),
      ).toEqual([knitId]);
      const gone = await wire.put(`/api/data/${knitId}`, { remove: tags });
      expect(gone.json.tags.filter((tag: string) => !tag.startsWith('knit#'))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
