import { describe, expect, it } from 'vitest';
import { mountOf, parseMountTable } from '../../src/local/mount-table.ts';

const root = '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro';

const targets = (...lines: string[]) =>
  parseMountTable(`${[root, ...lines].join('\n')}\n`).map(({ target }) => target);

describe('the mount table', () => {
  it('is read with options, origin and type of each mount', () => {
    const [, cgroup] = parseMountTable(
      `${root}\n30 22 0:26 /inner /sys/fs/cgroup/memory ro,nosuid,nodev shared:9 master:2 - cgroup cgroup rw,memory\n`,
    );
    expect(cgroup).toEqual({
      target: '/sys/fs/cgroup/memory',
      origin: '/inner',
      type: 'cgroup',
      options: ['ro', 'nosuid', 'nodev'],
      fileSystemOptions: ['rw', 'memory'],
    });
  });

  it('is read with spaces, tabs, line breaks and backslashes in names', () => {
    expect(targets(String.raw`30 22 8:2 / /a\040b\011c\012d\134e - ext4 /dev/sdb rw`)).toEqual([
      '/',
      '/a b\tc\nd\\e',
    ]);
  });

  it('is read without mounts that others have covered', () => {
    expect(targets('30 22 8:2 / /data - ext4 x rw', '31 30 8:3 / /data - xfs x rw')).toEqual(['/', '/data']);
    expect(parseMountTable(`${root}\n30 22 8:2 / /d - ext4 x rw\n31 30 8:3 / /d - xfs x rw\n`)[1]?.type).toBe(
      'xfs',
    );
    expect(targets('30 22 8:2 / /a/b - ext4 x rw', '31 22 8:3 / /a - ext4 x rw')).toEqual(['/', '/a']);
    expect(
      targets('30 22 8:2 / /a/b - ext4 x rw', '31 30 8:4 / /a/b/c - ext4 x rw', '32 22 8:3 / /a - ext4 x rw'),
    ).toEqual(['/', '/a']);
  });

  it('is read with mounts within others, parents first', () => {
    expect(
      targets('31 30 8:3 / /a/b - ext4 x rw', '30 22 8:2 / /a - ext4 x rw', '32 22 8:2 / /a-b - ext4 x rw'),
    ).toEqual(['/', '/a', '/a-b', '/a/b']);
  });

  it('tells which mount holds a path', () => {
    const mounts = parseMountTable(
      [root, '30 22 8:2 / /a - ext4 x rw', '31 30 8:3 / /a/b - ext4 x rw'].join('\n'),
    );
    const held = ['/', '/a', '/a-b', '/a/b', '/a/b/c', '/a/c'].map((path) => mountOf(mounts, path)?.target);
    expect(held).toEqual(['/', '/a', '/', '/a/b', '/a/b', '/a']);
  });
});
