import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { measureTree, type PackOptions, packTree, unpackTree } from '@knitfab/archive';
import { Invalid, NotFound } from '@knitfab/core';
import { describe, expect, it } from 'vitest';
import { asOrdinaryUser, isRoot } from './ordinary-user.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { describeTree } from './tree.ts';

async function pack(directory: string, options: PackOptions = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of packTree(directory, options)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function expectRefused(directory: string, reason: RegExp, options: PackOptions = {}) {
  const error = await pack(directory, options).then(
    () => 'packed',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Invalid);
  expect((error as Invalid).reason).toMatch(reason);
}

describe('packing is refused', () => {
  it('for a directory that is not there', async () => {
    await expect(pack('/nowhere/at/all')).rejects.toThrow(NotFound);
    await expect(measureTree('/nowhere/at/all')).rejects.toThrow('there is no directory "/nowhere/at/all"');
  });

  it('for a file', async () => {
    const tree = temporaryDirectory();
    writeFileSync(`${tree}/file`, '');
    await expectRefused(`${tree}/file`, /file" is no directory/);
  });

  it('for a FIFO, by name, before anything is sent', async () => {
    const tree = temporaryDirectory();
    mkdirSync(`${tree}/below`);
    execFileSync('mkfifo', [`${tree}/below/pipe`]);
    await expectRefused(tree, /below\/pipe" is a FIFO/);
    await expect(measureTree(tree)).rejects.toThrow(/below\/pipe" is a FIFO/);
  });

  it('for a socket, by name', async () => {
    const tree = temporaryDirectory();
    const server = createServer().listen(`${tree}/socket`);
    await new Promise((resolve) => server.once('listening', resolve));
    await expectRefused(tree, /socket" is a socket/);
    await new Promise((resolve) => server.close(resolve));
  });

  it.skipIf(!isRoot)('for a device, by name', async ({ skip }) => {
    const tree = temporaryDirectory();
    try {
      execFileSync('mknod', [`${tree}/device`, 'c', '1', '3'], { stdio: 'ignore' });
    } catch {
      skip('devices can not be made here');
    }
    await expectRefused(tree, /device" is a device/);
  });

  it('for a name that is not UTF-8, beside one that holds U+FFFD', async () => {
    const tree = temporaryDirectory();
    writeFileSync(`${tree}/good\uFFFD`, '');
    expect((await pack(tree)).length).toBeGreaterThan(0);
    writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0x83, 0x5c])]), '');
    await expectRefused(tree, /holds a file named "\\x83\\", which is not UTF-8/);
  });

  it('for a link to a name that is not UTF-8', async () => {
    const tree = temporaryDirectory();
    symlinkSync(Buffer.from([0xff]), `${tree}/link`);
    await expectRefused(tree, /link" leads to a name that is not UTF-8/);
  });

  it('for a file or directory that can not be read, by name', async () => {
    const tree = temporaryDirectory();
    mkdirSync(`${tree}/closed`);
    writeFileSync(`${tree}/closed/secret`, '');
    chmodSync(`${tree}/closed/secret`, 0);
    chmodSync(`${tree}/closed`, 0o755);
    chmodSync(tree, 0o755);
    await asOrdinaryUser(() => expectRefused(tree, /closed\/secret" can't be read: permission denied/));
    chmodSync(`${tree}/closed`, 0);
    await asOrdinaryUser(() => expectRefused(tree, /closed" can't be read: permission denied/));
    await asOrdinaryUser(() =>
      expectRefused(`${tree}/closed/below`, /below" can't be read: permission denied/),
    );
  });

  it.each([
    ['small', 1000],
    ['large', 3_000_000],
  ])('for a %s file that grows or shrinks meanwhile', async (_, size) => {
    const tree = temporaryDirectory();
    const file = `${tree}/file`;
    const onFile = (change: () => void): PackOptions => ({
      onEntry: ({ path }) => {
        if (path === 'file') change();
      },
    });
    writeFileSync(file, Buffer.alloc(size));
    await expectRefused(
      tree,
      /file" changed while it was being read/,
      onFile(() => appendFileSync(file, 'more')),
    );
    await expectRefused(
      tree,
      /file" changed while it was being read/,
      onFile(() => truncateSync(file, 10)),
    );
  });

  it('for a file that vanishes meanwhile', async () => {
    const tree = temporaryDirectory();
    for (const name of ['a', 'b']) writeFileSync(`${tree}/${name}`, '');
    await expectRefused(tree, /b" can't be read: there is no such file/, {
      onEntry: ({ path }) => {
        if (path === 'a') rmSync(`${tree}/b`);
      },
    });
  });
});

describe('with links followed', () => {
  const options = { dereference: true };

  it('what they lead to is packed in their place', async () => {
    const base = temporaryDirectory();
    for (const directory of ['in', 'out', 'elsewhere', 'elsewhere/below']) mkdirSync(`${base}/${directory}`);
    writeFileSync(`${base}/elsewhere/below/file`, 'content');
    symlinkSync('../elsewhere', `${base}/in/directory`);
    symlinkSync('../elsewhere/below/file', `${base}/in/file`);
    symlinkSync('directory', `${base}/in/again`);
    const size = await measureTree(`${base}/in`, options);
    await unpackTree(packTree(`${base}/in`, options), `${base}/out`, { links: 'inside', durable: false });
    expect(readFileSync(`${base}/out/file`, 'utf8')).toBe('content');
    expect(describeTree(`${base}/out/directory`)).toEqual(describeTree(`${base}/elsewhere`));
    expect(describeTree(`${base}/out/again`)).toEqual(describeTree(`${base}/elsewhere`));
    expect(size).toEqual({ files: 3, bytes: 21 });
  });

  it.each([
    ['to itself', 'link', /link" can't be read: its symbolic links go round in circles/],
    ['to nothing', 'missing', /link" can't be read: there is no such file/],
    ['to a directory that it lies in', '..', /link" leads to a directory that it lies in/],
  ])('one %s is refused by name; as a link it is kept', async (_, target, reason) => {
    const tree = temporaryDirectory();
    mkdirSync(`${tree}/directory`);
    symlinkSync(target, `${tree}/directory/link`);
    await expectRefused(tree, reason, options);
    await expect(measureTree(tree, options)).rejects.toThrow(Invalid);
    expect((await pack(tree)).length).toBeGreaterThan(0);
  });
});

describe('an archive', () => {
  it('begins with the root, is the same each time, and ends with two blocks of zeros', async () => {
    const tree = temporaryDirectory();
    for (const name of ['b', 'a', 'c']) writeFileSync(`${tree}/${name}`, name);
    const paths: string[] = [];
    const bytes = await pack(tree, { onEntry: ({ path }) => paths.push(path) });
    expect(paths).toEqual(['./', 'a', 'b', 'c']);
    expect(bytes.toString('latin1', 0, 3)).toBe('./\0');
    expect(bytes.subarray(-1024).equals(Buffer.alloc(1024))).toBe(true);
    expect((await pack(tree)).equals(bytes)).toBe(true);
  });

  it('has a second name of a file as a hard link, whose content is counted once', async () => {
    const tree = temporaryDirectory();
    writeFileSync(`${tree}/a`, 'content');
    linkSync(`${tree}/a`, `${tree}/b`);
    const entries: [string, number][] = [];
    await pack(tree, { onEntry: ({ path, size }) => entries.push([path, size]) });
    expect(entries).toEqual([
      ['./', 0],
      ['a', 7],
      ['b', 0],
    ]);
    expect(await measureTree(tree)).toEqual({ files: 2, bytes: 7 });
  });

  it('has sizes and times that do not fit a header in pax records', async () => {
    const tree = temporaryDirectory();
    writeFileSync(`${tree}/huge`, '');
    truncateSync(`${tree}/huge`, 9 * 2 ** 30);
    utimesSync(`${tree}/huge`, new Date(-1000), new Date(-1000));
    for await (const chunk of packTree(tree)) {
      expect(chunk.toString('latin1')).toMatch(/ size=9663676416\n/);
      expect(chunk.toString('latin1')).toMatch(/ mtime=-1\n/);
      break;
    }
  });

  it('comes in chunks worth sending, however small the files', async () => {
    const tree = temporaryDirectory();
    for (let i = 0; i < 1000; i++) writeFileSync(`${tree}/${i}`, Buffer.alloc(1000));
    const sizes: number[] = [];
    for await (const chunk of packTree(tree)) sizes.push(chunk.length);
    expect(sizes.length).toBeLessThan(10);
  });

  it('is given up when nobody wants it any more: its files are closed', async () => {
    const tree = temporaryDirectory();
    writeFileSync(`${tree}/large`, Buffer.alloc(20_000_000));
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    const abort = new AbortController();
    const tar = packTree(tree, { signal: abort.signal });
    for await (const chunk of tar.iterator({ destroyOnReturn: false })) if (chunk.length > 100_000) break;
    expect(open()).toBe(before + 1);
    const failed = new Promise((resolve) => tar.once('error', resolve));
    abort.abort();
    expect(await failed).toMatchObject({ name: 'AbortError' });
    await expect.poll(open).toBe(before);
  });
});
