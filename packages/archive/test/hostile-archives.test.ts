import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { decodeBody, unpackTree } from '@knitfab/archive';
import { Conflict, Invalid } from '@knitfab/core';
import { describe, expect, it } from 'vitest';
import {
  archive,
  directory,
  end,
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

/** A volume between things that must not be touched: `outside/secret` and `outside/directory/`. */
function volume() {
  const base = temporaryDirectory();
  const directory = `${base}/volume`;
  mkdirSync(`${base}/outside/directory`, { recursive: true });
  mkdirSync(directory);
  writeFileSync(`${base}/outside/secret`, 'secret');
  return { directory, outside: `${base}/outside`, base };
}

/** Unpacks in chunks of several sizes; each time it is refused with that reason, and nothing is left, inside or outside. */
async function expectRefused(bytes: Buffer, reason: RegExp | string, links: 'inside' | 'any' = 'inside') {
  for (const chunkSize of bytes.length < 20_000 ? [65_536, 700, 1] : [65_536]) {
    const { directory, outside, base } = volume();
    const before = describeTree(outside);
    const unpacking = unpackTree(inChunks(bytes, chunkSize), directory, { links, durable: false });
    const error = await unpacking.then(
      () => 'unpacked',
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Invalid);
    expect((error as Invalid).reason).toMatch(reason);
    expect(readdirSync(directory)).toEqual([]);
    expect(describeTree(outside)).toEqual(before);
    expect(readdirSync(base).sort()).toEqual(['outside', 'volume']);
  }
}

const file = (name: string, content = 'x') => entry({ name, content });
const x = 'x';

describe('an archive is refused, and its directory emptied, when', () => {
  it.each<[string, Buffer, RegExp]>([
    ['a name leads up', archive(file('../escaped')), /"\.\.\/escaped": it leads out/],
    ['a name leads up from below', archive(directory('a/'), file('a/../../escaped')), /leads out/],
    ['a name has .. that stays inside', archive(directory('a/'), file('a/../b')), /leads out/],
    ['a directory is ..', archive(directory('..')), /leads out/],
    ['a name is absolute', archive(file('/tmp/escaped')), /the name is absolute/],
    ['a pax name leads up', archive(pax([record('path', '../escaped')]), file('good')), /leads out/],
    ['a pax name is absolute', archive(pax([record('path', '/escaped')]), file('good')), /absolute/],
    ['a GNU long name leads up', archive(gnuLong('L', '../escaped'), file('good')), /leads out/],
    ['a ustar prefix leads up', archive(entry({ name: 'escaped', prefix: '..' })), /leads out/],
    ['a ustar prefix is absolute', archive(entry({ name: 'escaped', prefix: '/tmp' })), /absolute/],
    ['a name is empty', archive(entry({ name: '' })), /the name is empty/],
    ['a pax name is empty', archive(pax([record('path', '')]), file('good')), /the name is empty/],
    ['a file is the root', archive(file('./')), /size/],
    ['an empty file is the root', archive(file('.', '')), /root "\." is no directory/],
    ['a link is the root', archive(symbolicLink('.', 'a')), /root "\." is no directory/],
    ['a pax name holds NUL', archive(pax([record('path', 'a\0b')]), file('good')), /zero byte/],
    [
      'a part of a name is longer than 255 bytes',
      archive(pax([record('path', 'n'.repeat(256))]), file('g')),
      /255 bytes/,
    ],
    [
      'a part is longer than 255 bytes in UTF-8',
      archive(pax([record('path', 'あ'.repeat(86))]), file('g')),
      /255 bytes/,
    ],
    [
      'a path is longer than 4095 bytes',
      archive(pax([record('path', `${'abcdefg/'.repeat(511)}abcdefgh`)]), file('g')),
      /4095 bytes/,
    ],
    [
      'a name is not UTF-8',
      archive(entry({ name: Buffer.from([0x66, 0xff, 0x67]) })),
      /"f\\xffg", which is not UTF-8/,
    ],
    [
      'a pax name is not UTF-8',
      archive(pax([record('path', Buffer.from([0x83, 0x5c]))]), file('g')),
      /\\x83\\/,
    ],
    ['a link target is not UTF-8', archive(entry({ type: '2', linkname: Buffer.from([0xff]) })), /not UTF-8/],
    [
      'it holds a character device',
      archive(entry({ name: 'null', type: '3' })),
      /"null", a character device/,
    ],
    ['it holds a block device', archive(entry({ name: 'disk', type: '4' })), /"disk", a block device/],
    ['it holds a FIFO', archive(entry({ name: 'pipe', type: '6' })), /"pipe", a FIFO/],
    [
      'it holds an unknown type',
      archive(entry({ name: 'odd', type: 'Z' })),
      /"odd", an entry of the unknown type "Z"/,
    ],
    ['it holds a volume label', archive(entry({ name: 'tape', type: 'V' })), /"tape", a volume label/],
    [
      'it holds an old GNU sparse file',
      archive(entry({ name: 'holes', type: 'S' })),
      /a sparse file "holes"/,
    ],
    [
      'it holds a pax sparse file',
      archive(pax([record('GNU.sparse.major', '1')]), file('g')),
      /a sparse file/,
    ],
    [
      'a symbolic link is absolute',
      archive(symbolicLink('link', '/etc/passwd')),
      /"link" to "\/etc\/passwd"/,
    ],
    [
      'a symbolic link leads up',
      archive(symbolicLink('link', '../outside/secret')),
      /"link" to "\.\.\/outside\/secret"/,
    ],
    ['a symbolic link is the parent', archive(symbolicLink('link', '..')), /leads out/],
    [
      'a link below leads up too far',
      archive(directory('a/'), symbolicLink('a/link', '../../outside')),
      /leads out/,
    ],
    ['a link leads out and in again', archive(symbolicLink('link', '../volume/a'), file('a')), /leads out/],
    [
      'a link leads out past names that are not there',
      archive(symbolicLink('link', 'a/b/../../../outside')),
      /leads out/,
    ],
    [
      'a link leads out through a link written earlier',
      archive(directory('a/b/'), symbolicLink('deep', 'a/b'), symbolicLink('link', 'deep/../../../outside')),
      /"link" to/,
    ],
    [
      'a link leads out through a link written later',
      archive(directory('a/'), symbolicLink('a/link', 'up/../outside'), symbolicLink('a/up', '..')),
      /"a\/link" to/,
    ],
    [
      'a link that was harmless leads out since what it passes became a link',
      archive(directory('a/b/'), file('c'), symbolicLink('link', 'c/../../outside'), symbolicLink('c', 'a')),
      /leads out/,
    ],
    [
      'a second name of a link leads out, where the first does not',
      archive(directory('a/'), symbolicLink('a/link', '../c'), hardLink('link', 'a/link')),
      /"link" to "\.\.\/c"/,
    ],
    ['a link target is empty', archive(symbolicLink('link', '')), /which is no path/],
    [
      'a link target holds NUL',
      archive(pax([record('linkpath', 'a\0b')]), symbolicLink('link', 'a')),
      /no path/,
    ],
    [
      'a hard link leads up',
      archive(hardLink('link', '../outside/secret')),
      /the hard link "link" to "\.\.\/outside/,
    ],
    ['a hard link is absolute', archive(hardLink('link', '/etc/passwd')), /absolute/],
    [
      'a hard link passes a symbolic link',
      archive(symbolicLink('out', '../outside'), hardLink('link', 'out/secret')),
      /"out\/secret", which is no file before it/,
    ],
    [
      'a hard link names nothing',
      archive(hardLink('link', 'missing')),
      /"missing", which is no file before it/,
    ],
    ['a hard link names itself', archive(hardLink('link', 'link')), /no file before it/],
    ['a hard link names a directory', archive(directory('a/'), hardLink('link', 'a')), /no file before it/],
    ['a hard link names what comes later', archive(hardLink('link', 'a'), file('a')), /no file before it/],
    ['a hard link passes a file', archive(file('a'), hardLink('link', 'a/b')), /no file before it/],
    [
      'a file lies below a symbolic link',
      archive(symbolicLink('out', '../outside'), file('out/planted')),
      /uses "out" as a directory, which is a symbolic link/,
    ],
    [
      'a directory lies below a symbolic link',
      archive(symbolicLink('out', '../outside'), directory('out/directory/')),
      /uses "out" as a directory/,
    ],
    [
      'a directory is a symbolic link',
      archive(symbolicLink('a', 'b'), directory('a/')),
      /uses "a" as a directory/,
    ],
    [
      'a symbolic link lies below a symbolic link',
      archive(symbolicLink('out', '../outside'), symbolicLink('out/planted', 'secret')),
      /uses "out" as a directory/,
    ],
    [
      'a hard link lies below a symbolic link',
      archive(file('a'), symbolicLink('out', '../outside'), hardLink('out/planted', 'a')),
      /uses "out" as a directory/,
    ],
    [
      'a file lies below a second name of a symbolic link',
      archive(symbolicLink('out', '../outside'), hardLink('again', 'out'), file('again/planted')),
      /uses "again" as a directory/,
    ],
    ['a file lies below a file', archive(file('a'), file('a/b')), /"a" twice/],
    ['a directory takes the place of a file', archive(file('a'), directory('a/')), /"a" twice/],
    ['a file takes the place of a directory', archive(directory('a/'), file('a')), /"a" twice/],
    ['a link takes the place of a directory', archive(directory('a/'), symbolicLink('a', 'b')), /"a" twice/],
    [
      'a hard link takes the place of a directory',
      archive(file('b'), directory('a/'), hardLink('a', 'b')),
      /"a" twice/,
    ],
    ['it is empty', Buffer.alloc(0), /cut off after 0 bytes/],
    ['it is garbage', Buffer.alloc(5000, 'garbage'), /no tar archive/],
    ['it is gzipped', gzipSync(Buffer.alloc(5000, 'garbage'), { level: 0 }), /a gzip file where a plain tar/],
    ['it ends without its end', file('a'), /cut off after 1024 bytes/],
    ['it ends with half of its end', Buffer.concat([file('a'), Buffer.alloc(512)]), /cut off/],
    [
      'a header is cut off',
      Buffer.concat([file('a'), file('b').subarray(0, 300)]),
      /cut off after 1324 bytes/,
    ],
    [
      'content is cut off',
      entry({ name: 'a', content: x.repeat(5000) }).subarray(0, 3000),
      /cut off after 3000 bytes/,
    ],
    ['padding is cut off', file('a').subarray(0, 700), /cut off after 700 bytes/],
    ['an extended header is cut off', pax([record('path', x.repeat(900))]).subarray(0, 1000), /cut off/],
    ['it ends after an extended header', archive(pax([record('path', 'a')])), /ends after a header/],
    ['it goes on after its end', Buffer.concat([archive(file('a')), file('b')]), /goes on after its end/],
    [
      'garbage follows its end',
      Buffer.concat([archive(file('a')), Buffer.alloc(512, 'g')]),
      /goes on after its end/,
    ],
    [
      'zeros follow its end for ever',
      Buffer.concat([file('a'), Buffer.alloc(17 * 1024 * 1024)]),
      /goes on after/,
    ],
    ['the first checksum is wrong', archive(entry({ checksumError: 1 })), /no tar archive/],
    [
      'a later checksum is wrong',
      archive(file('a'), entry({ checksumError: 1 })),
      /at byte 1024 a header has the wrong/,
    ],
    [
      'a size is negative',
      archive(entry({ size: Buffer.from([0xff, ...Array(11).fill(0xff)]).toString('latin1') })),
      /./,
    ],
    ['a size is no number', archive(entry({ size: 'zzzzzzzzzzz\0' })), /impossible size/],
    ['a size is beyond all numbers', archive(entry({ size: '\x7f'.padEnd(12, '7') })), /./],
    ['a pax size is no number', archive(pax([record('size', '1e3')]), file('a')), /the size "1e3"/],
    ['a pax size is negative', archive(pax([record('size', '-1')]), file('a')), /the size "-1"/],
    ['a pax time is no number', archive(pax([record('mtime', 'now')]), file('a')), /the time "now"/],
    [
      'a pax time is beyond all times',
      archive(pax([record('mtime', '9'.repeat(30))]), file('a')),
      /impossible time/,
    ],
    ['a directory has content', archive(directory('a/', { content: 'x' })), /"a\/" has an impossible size/],
    [
      'a symbolic link has content',
      archive(entry({ name: 'l', type: '2', linkname: 'a', content: 'x' })),
      /impossible size/,
    ],
    [
      'a hard link has content',
      archive(file('a'), entry({ name: 'l', type: '1', linkname: 'a', content: 'x' })),
      /size/,
    ],
    [
      'a pax record lies about its length',
      archive(pax([Buffer.from('99 path=a\n')]), file('g')),
      /no record/,
    ],
    ['a pax record has no end', archive(pax([Buffer.from('9 path=ab')]), file('g')), /no record/],
    ['a pax record has no value', archive(pax([Buffer.from('7 path\n')]), file('g')), /no record/],
    ['a pax record has no length', archive(pax([Buffer.from(' path=a\n')]), file('g')), /no record/],
    ['a pax record has the length 0', archive(pax([Buffer.from('0 path=a\n')]), file('g')), /no record/],
    ['all entries get one name', archive(pax([record('path', 'a')], 'g'), file('g')), /one name or size/],
    ['all entries get one size', archive(pax([record('size', '0')], 'g'), file('g')), /one name or size/],
    [
      'an extended header is huge',
      archive(entry({ type: 'x', size: 2 * 1024 * 1024 })),
      /extended header of 2097152/,
    ],
    [
      'there are extended headers only',
      archive(...Array(17).fill(pax([record('comment', 'c')]))),
      /nothing but/,
    ],
  ])('%s', async (_, bytes, reason) => {
    await expectRefused(bytes, reason);
  });

  it('nothing is written through a link, not even where links may lead anywhere', async () => {
    await expectRefused(
      archive(symbolicLink('out', '../outside'), file('out/planted')),
      /uses "out" as/,
      'any',
    );
    await expectRefused(
      archive(symbolicLink('out', '../outside'), hardLink('l', 'out/secret')),
      /no file/,
      'any',
    );
    await expectRefused(archive(hardLink('link', '../outside/secret')), /leads out/, 'any');
    await expectRefused(archive(file('../escaped')), /leads out/, 'any');
  });

  it('it has more entries than the limit', async () => {
    const { directory } = volume();
    const unpacking = unpackTree(inChunks(archive(file('a'), file('b'), file('c'))), directory, {
      links: 'inside',
      durable: false,
      limits: { entries: 2 },
    });
    await expect(unpacking).rejects.toThrow(/more than 2 entries/);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('its files together are larger than the limit: before the first byte too much is written', async () => {
    const { directory } = volume();
    const unpacking = unpackTree(
      inChunks(archive(file('a', x.repeat(600)), file('b', x.repeat(600)))),
      directory,
      { links: 'inside', durable: false, limits: { bytes: 1199 } },
    );
    await expect(unpacking).rejects.toThrow(Invalid);
    await expect(unpacking).rejects.toThrow(/more than the 1199 bytes/);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('it is a bomb: a small gzip file of a huge tree is stopped where the limit is', async () => {
    const megabyte = gzipSync(entry({ content: Buffer.alloc(1024 * 1024) }));
    const bomb = Buffer.concat(Array(500).fill(megabyte));
    const { directory } = volume();
    let read = 0;
    async function* counted() {
      for await (const chunk of inChunks(bomb, 1024)) {
        read += chunk.length;
        yield chunk;
      }
    }
    const unpacking = unpackTree(decodeBody(counted(), 'application/gzip'), directory, {
      links: 'inside',
      durable: false,
      limits: { bytes: 10 * 1024 * 1024 },
    });
    await expect(unpacking).rejects.toThrow(/more than the 10485760 bytes/);
    expect(read).toBeLessThan(bomb.length / 2);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('an archive that only looks odd is unpacked:', () => {
  async function unpack(...entries: readonly Buffer[]): Promise<string> {
    const { directory } = volume();
    await unpackTree(inChunks(archive(...entries), 600), directory, { links: 'inside', durable: false });
    return directory;
  }
  const content = (path: string) => readFileSync(path, 'utf8');

  it('a later file replaces an earlier one, and not what else had its content', async () => {
    const tree = await unpack(file('a', 'old'), hardLink('b', 'a'), file('a', 'new'));
    expect([content(`${tree}/a`), content(`${tree}/b`)]).toEqual(['new', 'old']);
  });

  it('a file replaces a link, and not what that leads to', async () => {
    const tree = await unpack(file('a', 'kept'), symbolicLink('b', 'a'), file('b', 'new'));
    expect([content(`${tree}/a`), content(`${tree}/b`)]).toEqual(['kept', 'new']);
  });

  it('a link that led out was replaced by a file', async () => {
    const tree = await unpack(symbolicLink('b', '../outside/secret'), file('b', 'new'));
    expect(content(`${tree}/b`)).toBe('new');
  });

  it('a link replaces a file, a second name replaces a link', async () => {
    const tree = await unpack(
      file('a', 'a'),
      file('b'),
      symbolicLink('b', 'a'),
      symbolicLink('c', 'b'),
      hardLink('c', 'a'),
    );
    expect(describeTree(tree)).toMatchObject({ b: expect.stringMatching(/^link .* a$/), c: 'the same as a' });
  });

  it('a file that GNU tar names twice is a link to itself', async () => {
    expect(content(`${await unpack(file('a', 'kept'), hardLink('a', 'a'))}/a`)).toBe('kept');
  });

  it('a directory is repeated, the last one counts', async () => {
    const tree = await unpack(
      directory('a/', { mode: '0000700\0' }),
      file('a/b'),
      directory('a', { mode: '0000750\0' }),
    );
    expect(describeTree(tree)).toMatchObject({
      'a/': expect.stringMatching(/^directory 750 /),
      'a/b': expect.any(String),
    });
  });

  it('directories that only paths name are made', async () => {
    expect(describeTree(await unpack(file('a/b/c')))).toMatchObject({
      'a/b/': expect.stringMatching(/^directory 755 /),
    });
  });

  it('names have ./ before them and / behind them, . and // in them', async () => {
    const tree = await unpack(directory('./'), directory('./a/./b//'), file('././a//c'));
    expect(Object.keys(describeTree(tree)).sort()).toEqual(['/', 'a/', 'a/b/', 'a/c']);
  });

  it('a directory is marked by the / of an old type of file', async () => {
    expect(Object.keys(describeTree(await unpack(entry({ name: 'old/', type: '\0' }))))).toContain('old/');
  });

  it('links go round in circles, lead nowhere, or up and down within the tree', async () => {
    const tree = await unpack(
      directory('a/b/'),
      symbolicLink('self', 'self'),
      symbolicLink('one', 'two/x'),
      symbolicLink('two', 'one/y'),
      symbolicLink('nowhere', 'missing/../also-missing'),
      symbolicLink('below-nowhere', 'missing/a/../../a'),
      symbolicLink('root', '.'),
      symbolicLink('a/b/up', '../..'),
      symbolicLink('round', 'a/b/up/a/b/up/root/a'),
      symbolicLink('past-a-circle', 'self/../../../x'),
    );
    expect(readdirSync(`${tree}/round`)).toEqual(['b']);
  });

  it('a field is filled with rubbish after its end, and ustar has another version', async () => {
    const tree = await unpack(
      entry({ name: 'name\0\nrubbish', prefix: 'prefix\0\nrubbish', magic: 'ustar\0\0\0', content: 'x' }),
    );
    expect(content(`${tree}/prefix/name`)).toBe('x');
  });

  it('GNU tar keeps times where ustar has the prefix of the name', async () => {
    const tree = await unpack(
      entry({ name: 'name', prefix: '14000000000', magic: 'ustar  \0', content: 'x' }),
    );
    expect(content(`${tree}/name`)).toBe('x');
  });

  it('no type is a file, nor is 7', async () => {
    const tree = await unpack(
      entry({ name: 'old', type: '\0', content: 'o' }),
      entry({ name: 'c', type: '7', content: 'c' }),
    );
    expect([content(`${tree}/old`), content(`${tree}/c`)]).toEqual(['o', 'c']);
  });

  it('a pax name goes before a GNU long name and the header, and holds for one entry', async () => {
    const tree = await unpack(
      pax([record('path', 'from\npax 日本語')]),
      gnuLong('L', 'from-gnu'),
      file('from-header', '1'),
      gnuLong('L', 'from-gnu'),
      file('from-header', '2'),
      file('from-header', '3'),
    );
    expect(content(`${tree}/from\npax 日本語`)).toBe('1');
    expect(content(`${tree}/from-gnu`)).toBe('2');
    expect(content(`${tree}/from-header`)).toBe('3');
  });

  it('the character that stands for broken UTF-8 is a good one', async () => {
    const tree = await unpack(file('a\uFFFDb'), pax([record('path', 'c\uFFFD')]), file('c'));
    expect(existsSync(`${tree}/a\uFFFDb`) && existsSync(`${tree}/c\uFFFD`)).toBe(true);
  });

  it('a pax time goes before the header, that of an entry before that of all', async () => {
    const tree = await unpack(
      pax([record('mtime', '100.9')], 'g'),
      file('all'),
      pax([record('mtime', '-200')]),
      file('one'),
    );
    expect(describeTree(tree)).toMatchObject({
      all: expect.stringMatching(/^file 644 100 /),
      one: expect.stringMatching(/^file 644 -200 /),
    });
  });

  it('set-user-id and set-group-id of a file are dropped, as its owner is', async () => {
    const tree = await unpack(
      entry({ name: 'a', mode: '0006755\0' }),
      directory('d/', { mode: '0007755\0' }),
    );
    expect(describeTree(tree)).toMatchObject({
      a: expect.stringMatching(/^file 755 /),
      'd/': expect.stringMatching(/^directory 3755 /),
    });
  });

  it('links lead anywhere, where that is allowed', async () => {
    const { directory } = volume();
    const bytes = archive(symbolicLink('a', '/etc/passwd'), symbolicLink('b', '../outside'));
    await unpackTree(inChunks(bytes), directory, { links: 'any', durable: false });
    expect(readdirSync(directory).sort()).toEqual(['a', 'b']);
  });
});

describe('unpacking', () => {
  it('is refused for a directory that holds something, which stays', async () => {
    const { directory } = volume();
    writeFileSync(`${directory}/mine`, '');
    const unpacking = unpackTree(inChunks(archive(file('a'))), directory, { links: 'any', durable: false });
    await expect(unpacking).rejects.toThrow(Conflict);
    expect(readdirSync(directory)).toEqual(['mine']);
  });

  it('fails with the error of its source, and leaves nothing', async () => {
    const { directory } = volume();
    async function* broken() {
      yield Buffer.concat([file('a'), entry({ name: 'b', size: 1_000_000 })]);
      yield Buffer.alloc(500_000);
      throw new Error('the connection was lost');
    }
    const unpacking = unpackTree(broken(), directory, { links: 'inside', durable: true });
    await expect(unpacking).rejects.toThrow('the connection was lost');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('stops when the signal aborts, also while it waits for a source that is stuck', async () => {
    const { directory } = volume();
    async function* stuck() {
      yield file('a');
      await new Promise(() => {});
    }
    const abort = new AbortController();
    const { signal } = abort;
    const unpacking = unpackTree(stuck(), directory, { links: 'inside', durable: false, signal });
    const outcome = expect(unpacking).rejects.toThrow('enough');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readdirSync(directory)).toEqual(['a']);
    abort.abort(new Error('enough'));
    await outcome;
    expect(readdirSync(directory)).toEqual([]);
  });

  it('takes a stream that goes on for some zeros, as tape blocks do', async () => {
    const { directory } = volume();
    const bytes = Buffer.concat([file('a'), end, Buffer.alloc(10_240 - 1024)]);
    await unpackTree(inChunks(bytes, 777), directory, { links: 'inside', durable: true });
    expect(readdirSync(directory)).toEqual(['a']);
  });
});
