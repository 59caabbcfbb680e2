import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, readlink, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program } from './knit.ts';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
beforeAll(async () => {
  running = await RunningKnit.start();
});
afterAll(async () => {
  expect(await running.stop()).toBe(0);
});

describe('knit data', () => {
  it('push and pull bring a tree there and back: names in any script, links, empty directories, modes', async () => {
    const tree = await running.directory('tree', {
      a: 'hello',
      'sub/日本語.txt': 'こんにちは',
      'sub/か\u3099': 'NFD',
    });
    await mkdir(join(tree, 'empty'));
    await chmod(join(tree, 'a'), 0o755);
    await symlink('sub/日本語.txt', join(tree, 'link'));
    const pushed = await running.push(tree, 'type:tree', '種類: 木 ');
    expect(pushed.tags).toEqual(expect.arrayContaining(['type:tree', '種類:木', `knit#id:${pushed.knitId}`]));
    const { code, stdout, stderr } = await running.knit('data', 'pull', '-x', pushed.knitId, 'out');
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^pulled out/${pushed.knitId} \\(`));
    const pulled = join(running.home.work, 'out', pushed.knitId);
    expect(execFileSync('diff', ['-r', '--no-dereference', tree, pulled], { encoding: 'utf8' })).toBe('');
    expect((await stat(join(pulled, 'a'))).mode & 0o777).toBe(0o755);
    expect(await readlink(join(pulled, 'link'))).toBe('sub/日本語.txt');
    expect(await readdir(join(running.home.work, 'out'))).toEqual([pushed.knitId]);
  });

  it('pull writes an archive that tar reads, to a file or to stdout', async () => {
    const { knitId } = await running.push(await running.directory('archive', { a: 'hello' }));
    expect((await running.knit('data', 'pull', knitId, 'archives')).code).toBe(0);
    expect(await readdir(join(running.home.work, 'archives'))).toEqual([`${knitId}.tar.gz`]);
    const file = join(running.home.work, 'archives', `${knitId}.tar.gz`);
    expect(execFileSync('tar', ['xzOf', file, 'a'], { encoding: 'utf8' })).toBe('hello');
    const shell = `${program.join(' ')} data pull ${knitId} - 2>/dev/null | tar tz`;
    const names = execFileSync('sh', ['-c', shell], {
      cwd: running.home.work,
      encoding: 'utf8',
      env: { ...process.env, HOME: running.home.path },
    });
    expect(names).toMatch(/^(\.\/)?a$/m);
  });

  it('pull does not overwrite a tree, and leaves nothing behind when there is no such Data', async () => {
    const { knitId } = await running.push(await running.directory('once', { a: '1' }));
    await running.knit('data', 'pull', '-x', knitId, 'twice');
    const again = await running.knit('data', 'pull', '-x', knitId, 'twice');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('exists already') });
    const missing = await running.knit(
      'data',
      'pull',
      '-x',
      '00000000-0000-4000-8000-000000000000',
      'missing',
    );
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no Data[\s\S]*answered 404/),
    });
    expect(await readdir(join(running.home.work, 'missing'))).toEqual([]);
  });

  it('push makes a Data of each directory, tagged with its name and the tags of knitenv', async () => {
    const project = await running.directory('project', {
      'x/a': '1',
      'y/a': '2',
      knitenv: 'tag: ["project:p1"]\n',
    });
    const { code, stdout } = await running.home.knit(['data', 'push', '-n', '-t', 'type:multi', 'x', 'y/'], {
      cwd: project,
    });
    expect(code).toBe(0);
    const printed = stdout.split(/\n(?=\{)/).map((text) => JSON.parse(text) as DataDetail);
    const tagsOf = (data?: DataDetail) => data?.tags.filter((tag) => !tag.startsWith('knit#'));
    expect(printed.map(tagsOf)).toEqual([
      ['name:x', 'project:p1', 'type:multi'],
      ['name:y', 'project:p1', 'type:multi'],
    ]);
  });

  it('push follows links only with -L', async () => {
    const target = await running.directory('target', { a: 'content' });
    const linked = await running.directory('linked', {});
    await symlink(join(target, 'a'), join(linked, 'outside'));
    const refused = await running.knit('data', 'push', '-t', 'type:links', linked);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/leads out[\s\S]*--dereference[\s\S]*answered 400/);
    const { knitId } = await running.json<DataDetail>(['data', 'push', '-L', '-t', 'type:links', linked]);
    await running.knit('data', 'pull', '-x', knitId, 'links');
    expect(await readFile(join(running.home.work, 'links', knitId, 'outside'), 'utf8')).toBe('content');
    expect(await running.json<DataDetail[]>(['data', 'find', '-t', 'type:links'])).toHaveLength(1);
  });

  it('push does nothing at all when one of the directories is missing', async () => {
    const there = await running.directory('there', { a: '1' });
    const { code, stdout, stderr } = await running.knit(
      'data',
      'push',
      '-t',
      'type:none',
      there,
      'not-there',
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('not-there: there is no such directory');
    expect(await running.json(['data', 'find', '-t', 'type:none'])).toEqual([]);
  });

  it('push leaves no Data behind when it is interrupted', async () => {
    const large = await running.directory('large', {});
    execFileSync('truncate', ['-s', '8G', join(large, 'zeros')]);
    const child = running.home.start(['data', 'push', '-t', 'type:interrupted', large]);
    const volumes = join(running.home.path, 'data', 'local', 'volumes');
    const before = (await readdir(volumes)).length;
    await expect
      .poll(async () => (await readdir(volumes)).length, { timeout: 20_000, interval: 20 })
      .toBeGreaterThan(before);
    child.kill('SIGINT');
    await once(child, 'exit');
    expect(child.exitCode).toBe(130);
    expect(await running.json(['data', 'find', '-t', 'type:interrupted'])).toEqual([]);
    await expect.poll(async () => (await readdir(volumes)).length, { timeout: 20_000 }).toBe(before);
  });

  it('tag removes first, then adds', async () => {
    const { knitId } = await running.push(
      await running.directory('tagged', { a: '1' }),
      'stage:raw',
      'owner:a',
      'owner:b',
    );
    const args = [
      '--remove',
      'stage:raw',
      '--add',
      'stage:raw',
      '--add',
      'stage:new',
      '--remove-key',
      'owner',
    ];
    const { tags } = await running.json<DataDetail>(['data', 'tag', ...args, knitId]);
    expect(tags.filter((tag) => !tag.startsWith('knit#'))).toEqual(['stage:new', 'stage:raw']);
    expect((await running.json<DataDetail>(['data', 'show', knitId])).tags).toEqual(tags);
  });

  it('find finds by all tags and by time', async () => {
    const first = await running.push(await running.directory('find', { a: '1' }), 'type:find', 'n:1');
    const second = await running.push(join(running.home.work, 'find'), 'type:find', 'n:2');
    const ids = async (...args: string[]) =>
      (await running.json<DataDetail[]>(['data', 'find', '-t', 'type:find', ...args])).map(
        ({ knitId }) => knitId,
      );
    expect(await ids()).toEqual([first.knitId, second.knitId]);
    expect(await ids('-t', 'n:2')).toEqual([second.knitId]);
    const since = second.upstream.run.updatedAt;
    expect(await ids('--since', since)).toEqual([second.knitId]);
    expect(await ids('--since', since, '--duration', '1ns')).toEqual([second.knitId]);
    expect(await ids('--since', first.upstream.run.updatedAt, '--duration=1ms')).toEqual([first.knitId]);
    expect(await ids('--transient', 'yes')).toEqual([]);
    expect(await ids(`-t`, `knit#id:${first.knitId}`)).toEqual([first.knitId]);
  });

  it('find prints what is asked for: JSON indented by 4, YAML, or a table', async () => {
    const { knitId } = await running.push(await running.directory('formats', { a: '1' }), 'type:formats');
    const find = (...args: string[]) => running.knit('data', 'find', '-t', 'type:formats', ...args);
    expect((await find()).stdout).toMatch(/^\[\n {4}\{\n {8}"knitId": /);
    expect((await find('--output=yaml')).stdout).toMatch(new RegExp(`^---\n- knitId: ${knitId}\n`));
    const [header, row] = (await find('--output', 'table')).stdout.split('\n');
    expect(header).toMatch(/^KNIT ID +STATE +CHANGED/);
    expect(row).toContain(knitId);
    expect((await running.knit('data', 'find', '-t', 'type:nothing', '--output', 'table')).stdout).toBe(
      'No Data found.\n',
    );
  });
});
