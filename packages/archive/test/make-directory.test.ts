import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeDirectory, packTree } from '../src/index.ts';

let place: string;
beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'knit-archive-'));
});
afterAll(() => rm(place, { recursive: true }));

test('a directory is made with those above it, and may be there already', async () => {
  const path = join(place, 'a', 'b', 'c');
  await makeDirectory(path, 0o711);
  await makeDirectory(path);
  expect((await stat(path)).mode & 0o777).toBe(0o711);
});

test('where none can be made, that is said at once', async () => {
  await expect(makeDirectory('/proc/nowhere/below')).rejects.toThrow('ENOENT');
  await writeFile(join(place, 'file'), '');
  await expect(makeDirectory(join(place, 'file'))).rejects.toThrow('is not a directory');
});

test('sockets and FIFOs can be left out of an archive', async () => {
  const tree = join(place, 'tree');
  await makeDirectory(tree);
  await writeFile(join(tree, 'kept'), '');
  execFileSync('mkfifo', [join(tree, 'fifo')]);
  const entries: string[] = [];
  const onEntry = ({ path }: { path: string }) => entries.push(path);
  await packTree(tree, { special: 'leave-out', onEntry }).toArray();
  expect(entries).toEqual(['./', 'kept']);
  expect(await readdir(tree)).toContain('fifo');
  await expect(packTree(tree).toArray()).rejects.toThrow('FIFO');
});
