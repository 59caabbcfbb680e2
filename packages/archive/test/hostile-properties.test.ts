import { lstatSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { unpackTree } from '@knitfab/archive';
import { Invalid } from '@knitfab/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  archive,
  directory,
  entry,
  gnuLong,
  hardLink,
  inChunks,
  pax,
  record,
  symbolicLink,
} from './tar-blocks.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { describeTree } from './tree.ts';

const names = ['a', 'b', 'c'];
const part = fc.constantFrom(...names, '..', '..', '.');
const path = fc
  .array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'));
const target = fc.oneof(
  { weight: 19, arbitrary: fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/')) },
  { weight: 1, arbitrary: fc.constant('/etc') },
);
const anyPath = fc.oneof({ weight: 9, arbitrary: path }, { weight: 1, arbitrary: target });

/** Entries of so few names that they meet: links to links, files below links, and one in the place of the other. */
const anyEntry = fc.oneof(
  anyPath.map((name) => entry({ name, content: name })),
  anyPath.map((name) => directory(name)),
  fc.tuple(anyPath, target).map(([name, to]) => symbolicLink(name, to)),
  fc.tuple(anyPath, target).map(([name, to]) => symbolicLink(name, to)),
  fc.tuple(anyPath, anyPath).map(([name, to]) => hardLink(name, to)),
  fc
    .tuple(anyPath, anyPath)
    .map(([name, other]) => Buffer.concat([pax([record('path', name)]), entry({ name: other })])),
  fc.tuple(anyPath, target).map(([name, to]) => Buffer.concat([gnuLong('K', to), symbolicLink(name, 'a')])),
);

/** A place for volumes beside and below files of the very names that the archives use. */
function surroundings() {
  const outside = temporaryDirectory();
  for (const name of names) {
    for (const below of names) mkdirSync(`${outside}/${name}/${below}/a`, { recursive: true });
    writeFileSync(`${outside}/${name}/file`, 'outside');
  }
  return { outside, inside: `${outside}/a/volume`, before: around(outside) };
}

/** Every path in the tree. */
function pathsIn(location: string): string[] {
  return readdirSync(location).flatMap((name) => {
    const path = `${location}/${name}`;
    return lstatSync(path).isDirectory() ? [path, ...pathsIn(path)] : [path];
  });
}

/** Where the system itself says that a path leads; undefined when nowhere. */
function whereTo(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Unpacks into a new volume. */
async function unpack(
  bytes: Buffer,
  inside: string,
  links: 'inside' | 'any',
): Promise<'unpacked' | 'refused'> {
  rmSync(inside, { recursive: true, force: true });
  mkdirSync(inside);
  try {
    await unpackTree(inChunks(bytes, 1000), inside, { links, durable: false });
    return 'unpacked';
  } catch (error) {
    expect(error).toBeInstanceOf(Invalid);
    return 'refused';
  }
}

/** All around the volume, whose own parent gets a new time when it changes. */
function around(outside: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(describeTree(outside)).filter(([path]) => !path.startsWith('a/volume') && path !== 'a/'),
  );
}

it('no archive changes what lies outside, nor leaves a link that the system follows to there', async () => {
  const { outside, inside, before } = surroundings();
  const outcomes = { unpacked: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(anyEntry, { maxLength: 7 }), async (entries) => {
      const outcome = await unpack(archive(...entries), inside, 'inside');
      outcomes[outcome]++;
      expect(around(outside)).toEqual(before);
      const places = pathsIn(inside).map(whereTo);
      for (const place of places) if (place !== undefined) expect(`${place}/`).toContain(`${inside}/`);
      if (outcome === 'refused') expect(places).toEqual([]);
    }),
    { numRuns: 300 },
  );
  expect(Math.min(outcomes.unpacked, outcomes.refused)).toBeGreaterThan(20);
});

it('nor does it where links may lead anywhere', async () => {
  const { outside, inside, before } = surroundings();
  await fc.assert(
    fc.asyncProperty(fc.array(anyEntry, { maxLength: 7 }), async (entries) => {
      await unpack(archive(...entries), inside, 'any');
      expect(around(outside)).toEqual(before);
    }),
    { numRuns: 100 },
  );
});

/** Sets the checksum right again, so that what else was changed is looked at. */
function withChecksum(bytes: Buffer, start: number): Buffer {
  const block = bytes.subarray(start, start + 512);
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

it('any damage is either harmless or refused', async () => {
  const { outside, inside, before } = surroundings();
  const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), repaired: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyEntry, { maxLength: 4 }),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      async (entries, changes) => {
        const bytes = archive(...entries);
        for (const { at, byte, repaired } of changes) {
          bytes[at % bytes.length] = byte;
          if (repaired) withChecksum(bytes, Math.floor((at % bytes.length) / 512) * 512);
        }
        await unpack(bytes, inside, 'inside');
        expect(around(outside)).toEqual(before);
      },
    ),
    { numRuns: 300 },
  );
});
