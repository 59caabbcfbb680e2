import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  createReadStream,
  createWriteStream,
  linkSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { packTree, unpackTree } from '@knitfab/archive';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './temporary-directory.ts';
import { describeTree } from './tree.ts';

const has = (program: string, argument: string, output: RegExp) =>
  output.test(String(spawnSync(program, [argument]).stdout));
const hasGnuTar = has('tar', '--version', /GNU tar/);
const hasPython = has('python3', '--version', /Python 3/);

/** A tree with all that a format may have trouble with; `short`: with names that fit the oldest. */
function exampleTree({ short = false } = {}): string {
  const tree = `${temporaryDirectory()}/tree`;
  const long = short ? 'long' : 'l'.repeat(180);
  mkdirSync(`${tree}/empty`, { recursive: true });
  mkdirSync(`${tree}/${long}/${long}/${long}`, { recursive: true });
  writeFileSync(`${tree}/${long}/${long}/${long}/file`, 'deep');
  writeFileSync(`${tree}/a file`, 'content');
  writeFileSync(`${tree}/nothing`, '');
  writeFileSync(`${tree}/large`, Buffer.alloc(1_500_000, 'large'));
  linkSync(`${tree}/a file`, `${tree}/second name`);
  symlinkSync(`${long}/${long}`, `${tree}/link`);
  symlinkSync('nowhere', `${tree}/dangling`);
  if (!short) {
    writeFileSync(`${tree}/line\nbreak 日本語 が が`, 'unicode');
    symlinkSync('日本語\n', `${tree}/リンク`);
  }
  chmodSync(`${tree}/nothing`, 0o400);
  chmodSync(`${tree}/large`, 0o1751);
  chmodSync(`${tree}/empty`, 0o500);
  for (const path of ['a file', 'large', 'empty', '.'])
    utimesSync(`${tree}/${path}`, 1_000_000_000, 1_000_000_000);
  return tree;
}

const scratch = () => {
  const base = temporaryDirectory();
  mkdirSync(`${base}/out`);
  return { tar: `${base}/archive.tar`, out: `${base}/out` };
};

async function expectUnpacks(tar: string, out: string, tree: string) {
  await unpackTree(createReadStream(tar), out, { links: 'inside', durable: false });
  expect(describeTree(out)).toEqual(describeTree(tree));
}

const modes = ['gnu', 'oldgnu', 'pax', 'posix'];

describe.skipIf(!hasGnuTar)('GNU tar', () => {
  it.each(modes)('%s archives are unpacked', async (format) => {
    const tree = exampleTree();
    const { tar, out } = scratch();
    execFileSync('tar', ['-c', `--format=${format}`, '-f', tar, '-C', tree, '.']);
    await expectUnpacks(tar, out, tree);
  });

  it.each(['ustar', 'v7'])('%s archives are unpacked', async (format) => {
    const tree = exampleTree({ short: true });
    const { tar, out } = scratch();
    execFileSync('tar', ['-c', `--format=${format}`, '-f', tar, '-C', tree, '.']);
    await expectUnpacks(tar, out, tree);
  });

  it.each(['gnu', 'posix'])('sparse files in %s archives are refused by name', async (format) => {
    const { tar, out } = scratch();
    const tree = `${temporaryDirectory()}/tree`;
    mkdirSync(tree);
    writeFileSync(`${tree}/holes`, '');
    truncateSync(`${tree}/holes`, 5_000_000);
    execFileSync('tar', ['-c', '--sparse', `--format=${format}`, '-f', tar, '-C', tree, '.']);
    const unpacking = unpackTree(createReadStream(tar), out, { links: 'inside', durable: false });
    await expect(unpacking).rejects.toThrow(/sparse/);
  });

  it('reads our archives', async () => {
    const tree = exampleTree();
    const { tar, out } = scratch();
    await pipeline(packTree(tree), createWriteStream(tar));
    const { status, stderr } = spawnSync('tar', ['-x', '-p', '-f', tar, '-C', out]);
    expect([status, String(stderr)]).toEqual([0, '']);
    expect(describeTree(out)).toEqual(describeTree(tree));
  });
});

describe.skipIf(!hasPython)('Python tarfile', () => {
  it.each(['GNU', 'PAX'])('%s archives are unpacked', async (format) => {
    const tree = exampleTree();
    const { tar, out } = scratch();
    const script = `import sys, tarfile
with tarfile.open(sys.argv[2], 'w', format=tarfile.${format}_FORMAT) as tar: tar.add(sys.argv[1], '.')`;
    execFileSync('python3', ['-c', script, tree, tar]);
    await expectUnpacks(tar, out, tree);
  });

  it('USTAR archives are unpacked', async () => {
    const tree = exampleTree({ short: true });
    const { tar, out } = scratch();
    const script = `import sys, tarfile
with tarfile.open(sys.argv[2], 'w', format=tarfile.USTAR_FORMAT) as tar: tar.add(sys.argv[1], '.')`;
    execFileSync('python3', ['-c', script, tree, tar]);
    await expectUnpacks(tar, out, tree);
  });

  it('reads our archives', async () => {
    const tree = exampleTree();
    const { tar, out } = scratch();
    await pipeline(packTree(tree), createWriteStream(tar));
    const script = `import sys, tarfile
with tarfile.open(sys.argv[1]) as tar: tar.extractall(sys.argv[2])`;
    execFileSync('python3', ['-c', script, tar, out]);
    expect(Object.keys(describeTree(out))).toEqual(Object.keys(describeTree(tree)));
    expect(describeTree(out)).toMatchObject({ 'a file': expect.stringMatching(/1000000000 7 /) });
  });
});
