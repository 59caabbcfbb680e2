import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { WorkerSpec } from '@knitfab/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Driven, processesWith } from './driven.ts';
import { isCheckoutHidden, users } from './users.ts';

describe.each(users)('a worker of $name', (user) => {
  let driven: Driven;

  beforeAll(async () => {
    driven = await Driven.open(user, { stopGraceSeconds: 0.5 });
  });
  afterAll(() => driven.close());

  describe('ends', () => {
    it.each([
      ['exit 0', 0, 'Completed'],
      ['exit 3', 3, 'Error'],
      ['exit 255', 255, 'Error'],
      ['exit 127', 127, 'Error'],
      ['kill -TERM $$; sleep 10', 143, 'Error'],
      ['kill -KILL $$', 137, 'Error'],
      ['kill -SEGV $$', 139, 'Error'],
    ])('by `%s` with code %i and the reason %s', async (script, code, reason) => {
      expect(await driven.run(script)).toMatchObject({ code, reason });
    });

    it.each([
      [['no-such-program'], 127, 'there is no such program'],
      [['/no/such/file'], 127, 'there is no such file'],
      [['/etc/passwd'], 126, 'it is not an executable file'],
      [['/etc'], 126, 'it is not an executable file'],
      [['-c'], 127, 'there is no such program'],
      [['cd'], 127, 'No such file'],
    ])('of %j with code %i: it could not be started, and the log says why', async (command, code, words) => {
      const ended = await driven.runCommand(command);
      expect(ended.code).toBe(code);
      expect(ended.log).toContain(words);
      if (command[0] !== 'cd') expect(ended.reason).toBe('StartError');
    });

    it('with all of its processes, also those that have left its session and ignore signals', async () => {
      const mark = `knit-mark-${randomUUID()}`;
      const { code } = await driven.run(
        `(setsid sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' ${mark} &) ; (trap '' HUP; sleep 1000 ${mark} & ) ; nohup sh -c 'sleep 100; : ${mark}' >/dev/null 2>&1 & sleep 0.1; exit 7`,
      );
      expect(code).toBe(7);
      expect(processesWith(mark)).toEqual([]);
    });

    it('as its command does, whatever becomes of orphans', async () => {
      const { log, code } = await driven.run(
        'for i in 1 2 3 4 5; do (sleep 0.02 &); done; sleep 0.2; grep -l "^State:.Z" /proc/[0-9]*/status; exit 0',
      );
      expect({ log, code }).toEqual({ log: '', code: 0 });
    });
  });

  describe('has a log', () => {
    it('of stdout and stderr, in order', async () => {
      const { log } = await driven.run('for i in 1 2 3; do echo out $i; echo err $i >&2; done');
      expect(log).toBe('out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n');
    });

    it('that a program which opens /dev/stdout or /dev/stderr adds to', async () => {
      const { log } = await driven.run(
        'echo 1; echo 2 >/dev/stdout; echo 3 >/dev/stderr; echo 4 | tee /dev/stderr; echo 5',
      );
      expect(log).toBe('1\n2\n3\n4\n4\n5\n');
    });

    it('of any size, complete at the moment that it has ended', async () => {
      const spec = await driven.start(['sh', '-c', 'head -c 300000000 /dev/zero; printf end; kill -KILL $$']);
      await driven.until(spec, 'ended');
      const log = await open(join(driven.volume(spec.log?.volume ?? ''), 'log'));
      const { size } = await log.stat();
      const { buffer } = await log.read(Buffer.alloc(4), 0, 4, size - 4);
      await log.close();
      expect([size, buffer.toString('latin1')]).toEqual([300_000_003, '\0end']);
      await driven.host.call('remove', spec.name);
      await driven.host.call('destroy', spec.log?.volume);
    });

    it('only if it asks for one', async () => {
      const spec = await driven.prepare(['sh', '-c', 'echo text; exit 4']);
      const { log, ...without } = spec;
      await driven.host.call('start', without);
      expect(await driven.until(without, 'ended')).toMatchObject({ code: 4 });
      expect(readdirSync(driven.volume(log?.volume ?? ''))).toEqual([]);
    });
  });

  describe('gets', () => {
    it.skipIf(isCheckoutHidden)('its arguments and variables as they are', async () => {
      const words = [
        '',
        ' ',
        "it's",
        '"',
        '\\',
        '$HOME',
        '`id`',
        'a\nb',
        '*',
        '-n',
        '日本語',
        '%s\\n',
        '#',
        '~',
        '!',
      ];
      const { log } = await driven.runCommand(
        [
          process.execPath,
          '-p',
          'JSON.stringify([process.argv.slice(1), process.env.WORDS])',
          '--',
          ...words,
        ],
        { env: { WORDS: words.join('\n') } },
      );
      expect(JSON.parse(log)).toEqual([words, words.join('\n')]);
    });

    it('an entrypoint before its arguments', async () => {
      const spec = await driven.start(['b', 'c'], { entrypoint: ['printf', '%s-', 'a'] });
      await driven.until(spec, 'ended');
      expect(driven.read(spec.log?.volume ?? '', 'log')).toBe('a-b-c-');
    });

    it('the program of that name, not what a shell makes of it', async () => {
      expect((await driven.runCommand(['echo', '-e', 'a\\tb'])).log).toBe('a\tb\n');
    });
  });

  describe('is stopped', () => {
    const mark = () => `knit-mark-${randomUUID()}`;
    const isGone = async ({ name }: WorkerSpec) => {
      expect(await driven.host.call('inspect', name)).toEqual({ phase: 'missing' });
      expect(existsSync(join(driven.directory, 'workers', name))).toBe(false);
    };

    it('with SIGTERM, so that it can write what it wants to keep', async () => {
      const spec = await driven.start([
        'sh',
        '-c',
        'trap "echo checkpoint >/out/file; exit 0" TERM; echo ready; while :; do sleep 0.02; done',
      ]);
      while (!driven.read(spec.log?.volume ?? '', 'log').includes('ready')) await setTimeout(5);
      await driven.host.call('remove', spec.name);
      expect(driven.read(spec.outputs[0]?.volume ?? '', 'file')).toBe('checkpoint\n');
      await isGone(spec);
    });

    it('with SIGTERM to all of its processes', async () => {
      const spec = await driven.start([
        'sh',
        '-c',
        `setsid sh -c 'trap "echo child >/out/file; exit" TERM; : >/out/ready; while :; do sleep 0.02; done' & trap : TERM; wait; wait`,
      ]);
      const output = driven.volume(spec.outputs[0]?.volume ?? '');
      while (!existsSync(join(output, 'ready'))) await setTimeout(5);
      await driven.host.call('remove', spec.name);
      expect(readFileSync(join(output, 'file'), 'utf8')).toBe('child\n');
    });

    it('with SIGKILL when that does not help', async () => {
      const word = mark();
      const script = `trap '' TERM INT HUP; echo ready; while :; do sleep 0.02; done # ${word}`;
      const spec = await driven.start(['sh', '-c', script]);
      while (!driven.read(spec.log?.volume ?? '', 'log').includes('ready')) await setTimeout(5);
      expect(processesWith(word)).not.toEqual([]);
      await driven.host.call('remove', spec.name);
      expect(processesWith(word)).toEqual([]);
      await isGone(spec);
    });

    it('at any moment of its start', async () => {
      const word = mark();
      for (let delay = 0; delay < 20; delay++) {
        const spec = await driven.start(['sh', '-c', `sleep 1000; : ${word}`]);
        await setTimeout(delay);
        await driven.host.call('remove', spec.name);
        await isGone(spec);
      }
      expect(processesWith(word)).toEqual([]);
      expect(readdirSync(join(driven.directory, 'workers')).filter((name) => name.includes(word))).toEqual(
        [],
      );
    });

    it('when it has ended already, or was never started, or twice at once', async () => {
      const { spec } = await driven.run('exit 0');
      await Promise.all([driven.host.call('remove', spec.name), driven.host.call('remove', spec.name)]);
      await isGone(spec);
      await driven.host.call('remove', 'worker-run-never');
    });

    it('and can be started again under the same name', async () => {
      const { spec } = await driven.run('exit 1');
      await driven.host.call('remove', spec.name);
      await driven.host.call('start', { ...spec, args: ['sh', '-c', 'exit 2'] });
      expect(await driven.until(spec, 'ended')).toMatchObject({ code: 2 });
    });
  });

  it('is started once, however often it is asked for', async () => {
    const spec = await driven.prepare(['sh', '-c', 'echo once >>/out/file; sleep 0.1']);
    await Promise.all([1, 2, 3, 4].map(() => driven.host.call('start', spec)));
    await driven.host.call('start', spec);
    await driven.until(spec, 'ended');
    await driven.host.call('start', spec);
    await setTimeout(50);
    expect(driven.read(spec.outputs[0]?.volume ?? '', 'file')).toBe('once\n');
  });

  it('is one of very many at once', async () => {
    const specs = await Promise.all(
      Array.from({ length: 120 }, (_, index) =>
        driven.start(['sh', '-c', `echo ${index} >/out/file; sleep 1`]),
      ),
    );
    const ended = await Promise.all(specs.map((spec) => driven.until(spec, 'ended')));
    expect(ended.filter(({ code }) => code !== 0)).toEqual([]);
    const written = specs.map((spec) => driven.read(spec.outputs[0]?.volume ?? '', 'file'));
    expect(written).toEqual(specs.map((_, index) => `${index}\n`));
    await Promise.all(specs.map(({ name }) => driven.host.call('remove', name)));
  });

  it('tells of what was executed, where and when', async () => {
    const before = Date.now();
    const { execution, spec } = await driven.runCommand(['sh', '/etc/passwd', '--option=/etc/hosts', '-c']);
    expect(execution).toMatchObject({ driver: 'local', node: hostname() });
    expect(Object.keys(execution?.digests ?? {}).sort()).toEqual(['/etc/passwd', 'sh']);
    const [started, ended] = [execution?.startedAt, execution?.endedAt].map((time) => Date.parse(time ?? ''));
    expect(started).toBeGreaterThanOrEqual(before - 20);
    expect(ended).toBeGreaterThanOrEqual((started ?? 0) - 20);
    expect(ended).toBeLessThanOrEqual(Date.now() + 20);
    await driven.host.call('remove', spec.name);
  });

  it('has its changes told of: that it runs, and that it has ended', async () => {
    const told = async ({ name }: WorkerSpec) => {
      while (!(await driven.host.call<string[]>('changed')).includes(name)) await setTimeout(5);
    };
    const spec = await driven.start(['sh', '-c', 'while [ ! -e /out/off ]; do sleep 0.01; done']);
    await told(spec);
    await driven.until(spec, 'running');
    await driven.host.call('changed');
    writeFileSync(join(driven.volume(spec.outputs[0]?.volume ?? ''), 'off'), '');
    await told(spec);
    expect(await driven.host.call('inspect', spec.name)).toMatchObject({ phase: 'ended' });
  });
});
