import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, truncateSync } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import type { DataDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { othersMayRead } from '../../../e2e/others-may-read.ts';
import { program } from './knit.ts';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
beforeAll(async () => {
  running = await RunningKnit.start();
});
afterAll(() => running.stop());

const work = (...parts: string[]) => join(running.home.work, ...parts);
const allData = () => running.json<DataDetail[]>(['data', 'find']);
const isRoot = process.getuid?.() === 0;

/** Pushes what can't be pushed: nothing is left of it, and stderr says why. */
async function refused(...args: string[]): Promise<string> {
  const before = await allData();
  const { code, stdout, stderr } = await running.knit('data', 'push', ...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  // The server may need a moment to see that the sender is gone.
  await expect.poll(allData, { timeout: 20_000 }).toEqual(before);
  return stderr;
}

/** Pulls a Data into a new directory. */
async function pulled(knitId: string, into: string): Promise<string> {
  expect((await running.knit('data', 'pull', '-x', knitId, into)).code).toBe(0);
  return work(into, knitId);
}

describe('names and tags in any script', () => {
  it('come back as they went, composed or not', async () => {
    const names = [
      'か\u3099.txt',
      'が.txt',
      'データ',
      'e\u0301',
      'é',
      'עברית',
      '👨‍👩‍👧',
      'a b',
      "it's",
      '-rf',
      'new\nline',
    ];
    const tree = await running.directory('scripts', Object.fromEntries(names.map((name) => [name, name])));
    const tags = ['種類:が', '種類:か\u3099', '言語:日本語 ', 'emoji:👨‍👩‍👧', 'colons:a:b:c'];
    const { knitId, tags: given } = await running.push(tree, ...tags);
    for (const tag of tags) expect(given).toContain(tag.trim());
    const found = await running.json<DataDetail[]>([
      'data',
      'find',
      '-t',
      '種類:か\u3099',
      '-t',
      '言語:日本語',
    ]);
    expect(found.map((data) => data.knitId)).toEqual([knitId]);
    const out = await pulled(knitId, 'scripts-out');
    expect((await readdir(out)).sort()).toEqual([...names].sort());
    for (const name of names) expect(await readFile(join(out, name), 'utf8')).toBe(name);
  });

  it('fit a table, however long they are, and command no terminal', async () => {
    const value = '長い'.repeat((1 << 20) / 6 - 10);
    const env = join(running.home.path, 'long.yaml');
    await writeFile(env, JSON.stringify({ tag: [`long:${value}`, 'bidi:a\u202eb'] }));
    const tree = await running.directory('long', { a: '1' });
    const { knitId } = await running.json<DataDetail>(['data', 'push', '--env', env, tree]);
    const find = await running.knit('data', 'find', '-t', `knit#id:${knitId}`, '--output', 'table');
    expect(find.code).toBe(0);
    expect(find.stdout.length).toBeLessThan(2000);
    expect(find.stdout).toContain('…');
    expect(find.stdout).toContain('\\u{202e}');
    const show = await running.knit('data', 'show', knitId, '--output', 'table');
    expect(show.stdout.length).toBeLessThan(10_000);
    const whole = await running.json<DataDetail>(['data', 'show', knitId]);
    expect(whole.tags).toContain(`long:${value}`);
  });

  it('are too much with a word on how much they may be', async () => {
    const tree = await running.directory('toolong', { a: '1' });
    const list = join(running.home.path, 'tags.yaml');
    await writeFile(list, `tag: ["long:${'x'.repeat((1 << 20) + 1)}"]`);
    const { code, stderr } = await running.knit('data', 'push', '--env', list, tree);
    expect(code).toBe(1);
    expect(stderr).toMatch(/1 MiB|1048576|1,048,576/);
    expect(stderr.length).toBeLessThan(2000);
  });

  it('may be many', async () => {
    const tags = Array.from({ length: 1000 }, (_, index) => `many:${index}`);
    const { knitId, tags: given } = await running.push(await running.directory('many', { a: '1' }), ...tags);
    expect(given).toHaveLength(1002);
    const show = await running.knit('data', 'show', knitId, '--output', 'table');
    expect(show.stdout).toContain('… 950 more');
  });
});

describe('a tree', () => {
  it('may be empty, hold empty directories, and sparse files', async () => {
    const empty = await running.push(await running.directory('empty', {}));
    expect(await readdir(await pulled(empty.knitId, 'empty-out'))).toEqual([]);
    const tree = await running.directory('sparse', { 'sub/file': '' });
    await mkdir(join(tree, 'sub/none'));
    truncateSync(join(tree, 'sub/file'), 100 * 1024 * 1024);
    const { knitId } = await running.push(tree);
    const out = await pulled(knitId, 'sparse-out');
    expect((await readdir(join(out, 'sub'))).sort()).toEqual(['file', 'none']);
    expect(execFileSync('cmp', [join(tree, 'sub/file'), join(out, 'sub/file')], { encoding: 'utf8' })).toBe(
      '',
    );
  });

  it('whose files change while they are pushed makes no Data', async () => {
    const large = await running.directory('growing', {});
    await writeFile(join(large, 'a'), '');
    truncateSync(join(large, 'a'), 64 << 20);
    const growing = refused(large);
    let isOver = false;
    const grow = (async () => {
      while (!isOver) {
        await appendFile(join(large, 'a'), 'x');
        await setTimeout(5);
      }
    })();
    const message = await growing.finally(() => {
      isOver = true;
    });
    await grow;
    expect(message).toMatch(/"?.*growing\/a"? changed while it was being read\n {2}Try again/);
  });

  it('whose files vanish while they are pushed makes no Data', async () => {
    const tree = await running.directory('vanishing', { a: '', b: '1' });
    truncateSync(join(tree, 'a'), 256 << 20);
    const volumes = join(running.home.path, 'data', 'local', 'volumes');
    const before = readdirSync(volumes).length;
    const pushing = refused(tree);
    await expect.poll(() => readdirSync(volumes).length, { interval: 5, timeout: 20_000 }).not.toBe(before);
    await rm(join(tree, 'b'));
    expect(await pushing).toMatch(/vanishing\/b"? can't be read: there is no such file \(any more\)/);
  });

  it('with links that lead out, nowhere, or round in circles is refused with what to do', async () => {
    const tree = await running.directory('links', { a: '1' });
    await symlink('..', join(tree, 'loop'));
    expect(await refused(tree)).toMatch(/"loop" to "\.\.", which leads out[\s\S]*--dereference/);
    await rm(join(tree, 'loop'));
    await symlink('.', join(tree, 'round'));
    expect(await refused('-L', tree)).toMatch(/round.* leads to a directory that it lies in\n {2}Remove it/);
    await rm(join(tree, 'round'));
    await symlink('nowhere', join(tree, 'dangling'));
    expect(await refused('-L', tree)).toMatch(/dangling.*can't be read: there is no such file/);
    await running.push(tree); // as a link it may lead nowhere
  });

  it('that holds what is no file is refused, with its name', async () => {
    const tree = await running.directory('special', { a: '1' });
    execFileSync('mkfifo', [join(tree, 'pipe')]);
    expect(await refused(tree)).toMatch(/special\/pipe.* is a FIFO/);
  });

  it.skipIf(isRoot && !othersMayRead)(
    'with files that may not be read is refused, and they are all named, up to ten',
    async () => {
      const tree = await running.directory('secret', {});
      for (let index = 0; index < 12; index++) await writeFile(join(tree, `f${index}`), 'x', { mode: 0 });
      const few = await running.directory('few', { open: '1', 'sub/b': '1' });
      for (const name of ['a', 'sub/c']) await writeFile(join(few, name), 'x', { mode: 0 });
      const user = await ordinaryUser();
      const many = await user('data', 'push', tree);
      expect(many).toMatchObject({ code: 1, stdout: '' });
      expect(many.stderr).toMatch(
        /more than 10 files can't be read: permission denied\n( {2}.*secret\/f\d+\n){10}/,
      );
      const two = await user('data', 'push', few);
      expect(two.stderr).toMatch(
        /: 2 files can't be read: permission denied\n( {2}.*few\/(a|sub\/c)\n){2} {2}Nothing was pushed/,
      );
      expect(
        await running.json(['data', 'find', '--since', new Date(Date.now() - 1000).toISOString()]),
      ).toEqual([]);
    },
  );
});

describe('pulling', () => {
  it.skipIf(isRoot && !othersMayRead)(
    'to where nothing can be written says so, and leaves nothing',
    async () => {
      const { knitId } = await running.push(await running.directory('ro', { a: '1' }));
      await mkdir(work('readonly'), { mode: 0o555 });
      await chmod(work('readonly'), 0o555);
      await writeFile(work('file'), '');
      const user = await ordinaryUser();
      for (const flags of [['-x'], []]) {
        const { code, stderr } = await user('data', 'pull', ...flags, knitId, work('readonly'));
        expect(code).toBe(1);
        expect(stderr).toMatch(/can't pull .*: permission denied/);
        const onFile = await user('data', 'pull', ...flags, knitId, work('file'));
        expect(onFile).toMatchObject({
          code: 1,
          stderr: expect.stringMatching(/file.*(not|no) a? ?directory/),
        });
      }
      expect(await readdir(work('readonly'))).toEqual([]);
    },
  );

  it.skipIf(!isRoot)('on a full disk says so, and leaves nothing', async () => {
    const tree = await running.directory('big', {});
    await writeFile(join(tree, 'a'), Buffer.alloc(8 << 20, 'x'));
    await writeFile(join(tree, 'b'), randomBytes(8 << 20));
    const { knitId } = await running.push(tree);
    for (const flags of ['-x', '']) {
      const words = [...program, 'data', 'pull', ...(flags ? [flags] : []), knitId, '/mnt/out'];
      const script = `mount -t tmpfs -o size=4m none /mnt && mkdir /mnt/out && { ${words.map((word) => `'${word}'`).join(' ')}; echo code $?; ls -A /mnt/out; }`;
      const child = spawn('unshare', ['-m', 'sh', '-c', script], {
        cwd: running.home.work,
        env: { ...process.env, HOME: running.home.path },
      });
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      expect(stdout).toBe('code 1\n');
      expect(stderr).toMatch(/full|no space is left/);
    }
  });

  it('names the links of a Run that lead elsewhere here', async () => {
    const plan = await running.applyPlan({
      input: 'outward:in',
      output: 'outward:out',
      script: 'ln -s /in/data/a /out/input; ln -s input /out/inner; echo x > /out/file; ln -s file /out/good',
    });
    await running.push(await running.directory('outward', { a: '1' }), 'outward:in');
    const { runId, outputs } = await running.firstRunOf(plan);
    await running.knit('run', 'wait', runId);
    const knitId = outputs[0]?.knitId ?? '';
    const { code, stderr } = await running.knit('data', 'pull', '-x', knitId, 'outward-out');
    expect(code).toBe(0);
    expect(stderr).toContain(
      `knit: warning: 2 symbolic links lead out of outward-out/${knitId}:\n  inner -> input\n  input -> /in/data/a\n`,
    );
    expect(await readFile(work('outward-out', knitId, 'good'), 'utf8')).toBe('x\n');
  });
});

describe('Ctrl-C', () => {
  /** Interrupts a command after some time, if it is still there. */
  async function interrupt(args: string[], delay: number, signal: NodeJS.Signals): Promise<ChildProcess> {
    const child = running.home.start(args);
    child.stdout.resume();
    child.stderr.resume();
    await Promise.race([setTimeout(delay), once(child, 'exit')]);
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child;
  }

  const isProcessing = ({ tags }: DataDetail) => tags.includes('knit#transient:processing');

  const delays = [60, 120, 180, 240, 300, 400, 600];

  it('at any moment of a push leaves no Data, unless it was done already', async () => {
    const tree = await running.directory('pushed', {});
    for (let index = 0; index < 500; index++) await writeFile(join(tree, `f${index}`), 'x'.repeat(20_000));
    const volumes = join(running.home.path, 'data', 'local', 'volumes');
    for (const [index, delay] of delays.entries()) {
      const before = (await allData()).length;
      const tag = `interrupted:${index}`;
      const signal = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const)[index % 3] ?? 'SIGINT';
      const { exitCode } = await interrupt(['data', 'push', '-t', tag, tree], delay, signal);
      // An upload that was broken off is there as `processing` until the server has seen it.
      await expect
        .poll(async () => ({ delay, processing: (await allData()).filter(isProcessing).length }), {
          timeout: 20_000,
        })
        .toEqual({ delay, processing: 0 });
      // A push may be done before its client has heard of it.
      const most = before + 1;
      expect((await allData()).length).toSatisfy(
        (after) => after === most || (exitCode !== 0 && after === before),
      );
      const tagged = await running.json<DataDetail[]>(['data', 'find', '-t', tag]);
      if (exitCode === 0) expect(tagged).toHaveLength(1);
    }
    const count = (await allData()).length;
    await expect.poll(() => readdirSync(volumes).length, { timeout: 20_000 }).toBeLessThanOrEqual(count + 5);
  });

  it('at any moment of a pull leaves nothing, unless it was done already', async () => {
    const { knitId } = await running.push(work('pushed'));
    for (const [index, delay] of delays.entries()) {
      for (const flags of [['-x'], []]) {
        const into = `interrupted-${index}-${flags.length}`;
        const { exitCode } = await interrupt(['data', 'pull', ...flags, knitId, into], delay, 'SIGINT');
        const left = existsSync(work(into)) ? await readdir(work(into)) : [];
        const name = flags.length > 0 ? knitId : `${knitId}.tar.gz`;
        // A signal that comes when all is done, and before the process has ended, takes nothing back.
        const isDone = exitCode === 0 || (left.length === 1 && isWhole(work(into, name)));
        expect({ delay, left }).toEqual({ delay, left: isDone ? [name] : [] });
      }
    }
  });
});

/** Whether a tree that was pulled, or its archive, has all of its 500 files. */
function isWhole(path: string): boolean {
  if (statSync(path).isDirectory()) return readdirSync(path).length === 500;
  return spawnSync('tar', ['tzf', path], { encoding: 'utf8' }).stdout.match(/\/?f\d+\n/g)?.length === 500;
}

/** Commands of somebody who is not root, and finds the server all the same. */
async function ordinaryUser(): Promise<
  (...args: string[]) => Promise<{ code: number | null; stdout: string; stderr: string }>
> {
  const store = join(running.home.path, 'profiles');
  await writeFile(store, JSON.stringify({ server: { apiRoot: await running.apiRoot() } }));
  const home = join(running.home.path, 'user');
  await mkdir(home, { recursive: true });
  if (isRoot) {
    await chown(home, 65534, 65534);
    // Every directory above has to let others through.
    for (const path of [running.home.path, running.home.work])
      await chmod(path, (await stat(path)).mode | 0o755);
  }
  return async (...args) => {
    const [file, ...first] = program;
    const child = spawn(file, [...first, ...args, '--profile', 'server', '--profile-store', store], {
      cwd: running.home.work,
      env: { ...process.env, HOME: home, XDG_CACHE_HOME: join(home, 'cache') },
      ...(isRoot && { uid: 65534, gid: 65534 }),
    });
    const [stdout, stderr] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    return { code: child.exitCode, stdout, stderr };
  };
}
