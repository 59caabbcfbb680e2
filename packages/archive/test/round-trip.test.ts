import {
  chmodSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { measureTree, packTree, unpackTree } from '@knitfab/archive';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isRoot } from './ordinary-user.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { describeTree } from './tree.ts';

type Node =
  | { kind: 'file'; content: Buffer; mode: number; mtime: number }
  | { kind: 'link'; target: string; mtime: number }
  | { kind: 'another-name'; of: number }
  | { kind: 'directory'; mode: number; mtime: number; children: [string, Node][] };
type Directory = Extract<Node, { kind: 'directory' }>;

const unusualNames = [
  'a line\nbreak',
  '\t \u0001\u007f',
  '日本語のファイル名.txt',
  'が',
  'か\u3099', // the same letter, decomposed
  'é',
  'e\u0301',
  '😀',
  '\uFFFD',
  '-rf',
  '~',
  'back\\slash',
  '"quoted" \'name\'',
  '...',
  ' ',
  'n'.repeat(255),
  'n'.repeat(99),
  'n'.repeat(100),
  'n'.repeat(101),
  'あ'.repeat(85),
  'PaxHeader',
  '@LongLink',
  '=',
  '12 path=x',
];
const isName = (text: string) =>
  !['', '.', '..'].includes(text) &&
  !/[/\0]/.test(text) &&
  Buffer.byteLength(text) <= 255 &&
  text.isWellFormed();
const name = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter(isName),
  fc.constantFrom(...unusualNames),
);
const mtime = fc.oneof(
  fc.integer({ min: 0, max: 2_000_000_000 }),
  fc.constantFrom(-1.5, -86_400, 0, 2 ** 31, 2 ** 33 + 1),
);
/** Only root can read what its owner may not. */
const mode = fc.integer({ min: 0, max: 0o1777 }).map((bits) => (isRoot ? bits : bits | 0o700));
const size = fc.oneof(
  fc.integer({ min: 0, max: 2000 }),
  fc.constantFrom(0, 511, 512, 513, 70_000, 131_071, 131_072, 131_073, 3_000_000),
);
const content = fc
  .tuple(size, fc.integer({ min: 0, max: 255 }))
  .map(([length, fill]) => Buffer.alloc(length, `${fill}\n`));
const target = fc.oneof(
  name,
  fc.array(name, { minLength: 1, maxLength: 10 }).map((names) => names.join('/')),
  fc.constantFrom('../..', '/etc/passwd', 'x'.repeat(4000)),
);

const { root } = fc.letrec<{ root: Directory; node: Node }>((tie) => ({
  root: fc.record({
    kind: fc.constant('directory' as const),
    mode,
    mtime,
    children: fc.uniqueArray(fc.tuple(name, tie('node')), { maxLength: 7, selector: ([key]) => key }),
  }),
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('file' as const), content, mode, mtime }),
    fc.record({ kind: fc.constant('link' as const), target, mtime }),
    fc.record({ kind: fc.constant('another-name' as const), of: fc.nat(5) }),
    tie('root'),
  ),
}));

/** Makes the tree on the disk. */
function make(directory: Directory, location: string, made: string[] = []): void {
  mkdirSync(location, { recursive: true });
  for (const [childName, child] of directory.children) makeChild(child, `${location}/${childName}`, made);
  utimesSync(location, new Date(directory.mtime * 1000), new Date(directory.mtime * 1000));
  chmodSync(location, directory.mode);
}

function makeChild(child: Node, location: string, made: string[]): void {
  if (child.kind === 'directory') {
    make(child, location, made);
  } else if (child.kind === 'another-name') {
    const original = made[child.of % Math.max(made.length, 1)];
    if (original !== undefined) linkSync(original, location);
  } else {
    makeLeaf(child, location);
    made.push(location);
  }
}

function makeLeaf(child: Extract<Node, { kind: 'file' | 'link' }>, location: string): void {
  const time = new Date(child.mtime * 1000);
  if (child.kind === 'link') {
    symlinkSync(child.target, location);
    lutimesSync(location, time, time);
  } else {
    writeFileSync(location, child.content);
    utimesSync(location, time, time);
    chmodSync(location, child.mode);
  }
}

it('any tree comes back as it went in', { timeout: 120_000 }, async () => {
  const base = temporaryDirectory();
  let count = 0;
  await fc.assert(
    fc.asyncProperty(root, fc.boolean(), fc.boolean(), async (tree, durable, mayBlock) => {
      const source = `${base}/source-${count}`;
      const destination = `${base}/destination-${count++}`;
      make(tree, source);
      mkdirSync(destination);
      const entries: string[] = [];
      let bytes = 0;
      const tar = packTree(source, {
        onEntry: ({ path }) => entries.push(path),
        onBytes: (n) => (bytes += n),
      });
      await unpackTree(tar, destination, { links: 'any', durable, mayBlock });
      const before = describeTree(source);
      expect(describeTree(destination)).toEqual(before);
      expect(entries.length).toBe(Object.keys(before).length);
      const files = entries.filter((path) => !path.endsWith('/')).length;
      expect(await measureTree(source)).toEqual({ files, bytes });
    }),
    { numRuns: 60 },
  );
});

it('a file with holes comes back with its content', async () => {
  const base = temporaryDirectory();
  mkdirSync(`${base}/in`);
  mkdirSync(`${base}/out`);
  writeFileSync(`${base}/in/holes`, '');
  truncateSync(`${base}/in/holes`, 5_000_000);
  const descriptor = openSync(`${base}/in/holes`, 'r+');
  writeSync(descriptor, 'in the middle', 2_500_000);
  closeSync(descriptor);
  await unpackTree(packTree(`${base}/in`), `${base}/out`, { links: 'inside', durable: false });
  expect(readFileSync(`${base}/out/holes`).equals(readFileSync(`${base}/in/holes`))).toBe(true);
});

it('a path as long as Linux allows comes back', async () => {
  const base = temporaryDirectory();
  const path = Array.from({ length: 15 }, (_, i) => String(i).repeat(125)).join('/');
  for (const tree of ['in', 'out']) mkdirSync(`${base}/${tree}`);
  mkdirSync(`${base}/in/${path}`, { recursive: true });
  writeFileSync(`${base}/in/${path}/file`, 'deep');
  await unpackTree(packTree(`${base}/in`), `${base}/out`, { links: 'inside', durable: true });
  expect(readFileSync(`${base}/out/${path}/file`, 'utf8')).toBe('deep');
});

it('a directory that a link leads to is packed as if it were named itself', async () => {
  const base = temporaryDirectory();
  for (const tree of ['in', 'out']) mkdirSync(`${base}/${tree}`);
  writeFileSync(`${base}/in/file`, 'x');
  symlinkSync('in', `${base}/link`);
  await unpackTree(packTree(`${base}/link`), `${base}/out`, { links: 'inside', durable: false });
  expect(describeTree(`${base}/out`)).toEqual(describeTree(`${base}/in`));
});

it('the mode of a file does not depend on the umask', async () => {
  const base = temporaryDirectory();
  for (const tree of ['in', 'out']) mkdirSync(`${base}/${tree}`);
  for (const bits of [0o777, 0o644, 0o600]) {
    for (const copy of [1, 2]) {
      writeFileSync(`${base}/in/${bits}-${copy}`, '');
      chmodSync(`${base}/in/${bits}-${copy}`, bits);
    }
  }
  const umask = process.umask(0o077);
  try {
    await unpackTree(packTree(`${base}/in`), `${base}/out`, { links: 'inside', durable: false });
  } finally {
    process.umask(umask);
  }
  expect(statSync(`${base}/out/${0o777}-2`).mode & 0o777).toBe(0o777);
  expect(describeTree(`${base}/out`)).toEqual(describeTree(`${base}/in`));
});
