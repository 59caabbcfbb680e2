import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { emptyTree, packTree, syncTree, unpackTree } from '@knitfab/archive';
import { Invalid, Unavailable } from '@knitfab/core';
import { describe, expect, it } from 'vitest';
import { asOrdinaryUser, isRoot } from './ordinary-user.ts';
import { archive, directory, entry, inChunks, symbolicLink } from './tar-blocks.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { describeTree } from './tree.ts';

/** A directory that belongs to the ordinary user. */
function ownDirectory(): string {
  const base = temporaryDirectory();
  if (isRoot) chownSync(base, 65_534, 65_534);
  return base;
}

const modeOf = (description: string | undefined) => description?.split(' ')[1];

describe('as an ordinary user', () => {
  it('directories that nobody may write to are filled all the same, and made durable', async () => {
    const out = ownDirectory();
    const bytes = archive(
      directory('./', { mode: '0000500\0' }),
      directory('a/', { mode: '0000000\0' }),
      directory('a/b/', { mode: '0000111\0' }),
      entry({ name: 'a/b/file', content: 'x', mode: '0000000\0' }),
      entry({ name: 'read-only', content: 'x'.repeat(200_000), mode: '0000444\0' }),
    );
    await asOrdinaryUser(() => unpackTree(inChunks(bytes), out, { links: 'inside', durable: true }));
    if (!isRoot) return; // only root can look into them now
    expect(Object.entries(describeTree(out)).map(([path, text]) => [path, modeOf(text)])).toEqual([
      ['/', '500'],
      ['a/', '0'],
      ['a/b/', '111'],
      ['a/b/file', '0'],
      ['read-only', '444'],
    ]);
  });

  it('a root that its owner may not even read is made durable', async () => {
    const out = ownDirectory();
    const bytes = archive(directory('./', { mode: '0000000\0' }), entry({ name: 'file', content: 'x' }));
    await asOrdinaryUser(() => unpackTree(inChunks(bytes), out, { links: 'inside', durable: true }));
    await asOrdinaryUser(() => syncTree(out));
  });

  it('a refused archive leaves nothing, whatever modes it asked for', async () => {
    const out = ownDirectory();
    const bytes = archive(
      directory('a/', { mode: '0000000\0' }),
      entry({ name: 'a/file', content: 'x', mode: '0000000\0' }),
      symbolicLink('a/link', '/'),
    );
    await asOrdinaryUser(async () => {
      const unpacking = unpackTree(inChunks(bytes), out, { links: 'inside', durable: true });
      await expect(unpacking).rejects.toThrow(Invalid);
      expect(readdirSync(out)).toEqual([]);
    });
  });

  it('a tree of read-only directories is emptied, and what its links lead to stays', async () => {
    const base = ownDirectory();
    await asOrdinaryUser(async () => {
      mkdirSync(`${base}/kept`);
      writeFileSync(`${base}/kept/file`, '');
      mkdirSync(`${base}/tree/a/b`, { recursive: true });
      writeFileSync(`${base}/tree/a/b/file`, '');
      writeFileSync(Buffer.concat([Buffer.from(`${base}/tree/a/`), Buffer.from([0xff])]), '');
      symlinkSync(`${base}/kept`, `${base}/tree/a/link`);
      for (const path of ['tree/a/b', 'tree/a', 'tree']) chmodSync(`${base}/${path}`, 0);
      await emptyTree(`${base}/tree`);
      expect(readdirSync(`${base}/tree`)).toEqual([]);
      expect(readdirSync(`${base}/kept`)).toEqual(['file']);
    });
  });
});

describe('emptying', () => {
  it.skipIf(!isRoot)(
    'fails at what belongs to someone else, and leaves alone what that leads to',
    async () => {
      const base = ownDirectory();
      mkdirSync(`${base}/own`, { mode: 0o755 });
      chownSync(`${base}/own`, 65_534, 65_534);
      mkdirSync(`${base}/shared`);
      chmodSync(`${base}/shared`, 0o1777);
      symlinkSync('../own', `${base}/shared/link`);
      await asOrdinaryUser(() => expect(emptyTree(`${base}/shared`)).rejects.toThrow(/EPERM/));
      expect(modeOf(describeTree(base)['own/'])).toBe('755');
    },
  );
});

describe('making durable', () => {
  it('takes trees of a few and of many files, with links and FIFOs among them', async () => {
    const tree = temporaryDirectory();
    await syncTree(tree);
    writeFileSync(`${tree}/file`, 'x');
    symlinkSync('nowhere', `${tree}/link`);
    execFileSync('mkfifo', [`${tree}/pipe`]);
    await syncTree(tree);
    for (let i = 0; i < 100; i++) writeFileSync(`${tree}/${i}`, 'x');
    await syncTree(tree);
  });

  it('takes an archive large enough to be stored while it comes in', async () => {
    const [source, out] = [temporaryDirectory(), temporaryDirectory()];
    writeFileSync(`${source}/large`, Buffer.alloc(40 * 1024 * 1024, 'large'));
    writeFileSync(`${source}/file`, '');
    for (let i = 0; i < 8200; i++) linkSync(`${source}/file`, `${source}/${i}`);
    await unpackTree(packTree(source), out, { links: 'inside', durable: true });
    expect(describeTree(out)).toEqual(describeTree(source));
  });

  it('fails for a directory that is not there', async () => {
    await expect(syncTree('/nowhere/at/all')).rejects.toThrow(/ENOENT/);
  });
});

/** A file system of 1 MiB, where the tests may make one. */
function tinyFileSystem(): { path: string; unmount: () => void } | undefined {
  const path = temporaryDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { path, unmount: () => execFileSync('umount', [path]) };
}

/** The bytes with a pause after each megabyte: a write may fail while nobody waits for it. */
async function* withPauses(bytes: Buffer): AsyncGenerator<Buffer, void> {
  for await (const chunk of inChunks(bytes, 1024 * 1024)) {
    yield chunk;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const smallFiles = Array.from({ length: 40 }, (_, i) =>
  entry({ name: `${i}`, content: Buffer.alloc(50_000) }),
);
const fillingUp = [
  entry({ name: 'first', content: Buffer.alloc(1_000_000) }),
  entry({ name: 'second', content: Buffer.alloc(100_000) }),
];
const largeFile = entry({ name: 'large', content: Buffer.alloc(5_000_000) });

describe('a full disk', () => {
  it.skipIf(!isRoot).each([
    ['many small files do', inChunks(archive(...smallFiles))],
    ['the last part of a small file does', inChunks(archive(...fillingUp))],
    ['a large file does', inChunks(archive(largeFile))],
    ['a large file that comes slowly does', withPauses(archive(largeFile))],
  ])('is said to be one when %s not fit, and what was written goes away', async (_, tar) => {
    const fileSystem = tinyFileSystem();
    if (fileSystem === undefined) return;
    try {
      const unpacking = unpackTree(tar, fileSystem.path, { links: 'inside', durable: true });
      await expect(unpacking).rejects.toThrow(Unavailable);
      await expect(unpacking).rejects.toThrow(/the disk is full/);
      expect(readdirSync(fileSystem.path)).toEqual([]);
    } finally {
      fileSystem.unmount();
    }
  });
});
