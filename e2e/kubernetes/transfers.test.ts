import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { output } from './commands.ts';
import { eventually } from './kubectl.ts';
import { connectedInstallation } from './shared-installation.ts';
import { SingleRuns } from './single-runs.ts';
import { surroundings } from './surroundings.ts';

describe.skipIf(!surroundings.hasCluster)('a transfer', () => {
  const knitfab = connectedInstallation();
  let place = '';

  beforeAll(async () => {
    await knitfab.knit('init', join(knitfab.handout, 'knitprofile'));
    place = await mkdtemp(join(tmpdir(), 'knit-e2e-'));
  });

  afterAll(async () => {
    await rm(place, { recursive: true, force: true });
  });

  const pull = async (knitId: string): Promise<string> => {
    const { code, stderr } = await knitfab.knit('data', 'pull', '-x', knitId, place);
    expect(code, stderr).toBe(0);
    return join(place, knitId);
  };

  test('pulls exactly what was pushed', async () => {
    const source = join(place, 'source');
    await mkdir(join(source, 'a folder', 'ünïcödé'), { recursive: true });
    await mkdir(join(source, 'empty'));
    await writeFile(join(source, 'a folder', 'random'), randomBytes(5_000_000));
    await writeFile(join(source, 'a folder', 'ünïcödé', 'nothing'), '');
    await writeFile(join(source, 'program'), '#!/bin/sh\n');
    await chmod(join(source, 'program'), 0o755);
    await writeFile(join(source, 'x'.repeat(200)), 'a long name');
    await symlink('a folder/random', join(source, 'link'));
    await truncate(join(source, 'program'), 4096);
    await utimes(join(source, 'program'), 1_000_000_000, 1_000_000_000);
    const pushed = await knitfab.knit('data', 'push', '-t', 'e2e:tree', source);
    const pulled = await pull(/"knitId":\s*"([^"]+)"/.exec(pushed.stdout)?.[1] ?? '');
    // Contents, links, modes and times.
    await output(['diff', '--recursive', '--no-dereference', source, pulled]);
    const told = (directory: string) =>
      output(['find', '.', '-type', 'f', '-printf', '%P %m %s %Ts\n'], { cwd: directory });
    expect((await told(pulled)).split('\n').sort()).toEqual((await told(source)).split('\n').sort());
  });

  test('pulls what a worker of another user has written', async () => {
    const runs = new SingleRuns(knitfab);
    const script =
      'umask 077; mkdir /out/private; echo secret > /out/private/file; chown -R 4711 /out/private';
    const run = await runs.ended(await runs.script(script, { outputs: [{ path: '/out', tags: [] }] }));
    const pulled = await pull(run.outputs[0]?.knitId ?? '');
    expect(await output(['cat', join(pulled, 'private', 'file')])).toBe('secret\n');
  });

  describe('that is hostile', () => {
    test.for<[string, () => Promise<Buffer>]>([
      ['leads out of its directory', () => archive('--transform=s,^,../../,', 'file')],
      ['leads out through a link', () => archive('--transform=s,^real,way/out,', 'way', 'real')],
      ['is cut off', async () => (await archive('file')).subarray(0, 700)],
      ['is no archive', async () => randomBytes(10_000)],
      ['is no archive below its compression', async () => gzipSync(randomBytes(10_000))],
    ])('is refused when it %s', async ([, make]) => {
      const body = await make();
      const before = (await knitfab.client.findRuns({})).length;
      async function* stream() {
        yield body;
      }
      await expect(
        knitfab.client.uploadData(stream(), { contentType: 'application/x-tar' }),
      ).rejects.toMatchObject({ status: 400 });
      const runs = await knitfab.client.findRuns({});
      expect(runs.slice(before).filter(({ status }) => status === 'done')).toEqual([]);
    });

    async function archive(...args: string[]): Promise<Buffer> {
      const directory = await mkdtemp(join(place, 'hostile-'));
      await writeFile(join(directory, 'file'), 'content\n');
      await mkdir(join(directory, 'real'));
      await writeFile(join(directory, 'real', 'file'), 'content\n');
      await symlink('/tmp', join(directory, 'way'));
      const file = join(place, 'hostile.tar');
      await output(['tar', '--create', '--absolute-names', '--file', file, '-C', directory, ...args]);
      return readFile(file);
    }
  });

  test('leaves no Data Agent behind', async () => {
    await eventually('no Data Agent', async () => (await knitfab.pods('data-agent')).length === 0);
  });
});
