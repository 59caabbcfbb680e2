import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Driven } from './driven.ts';
import { users } from './users.ts';

describe.each(users)('a volume of $name', (user) => {
  let driven: Driven;
  const create = (ref: string) => driven.host.call('create', ref);
  const destroy = (ref: string) => driven.host.call('destroy', ref);
  const isReady = (ref: string) => driven.host.call('isReady', ref);

  beforeAll(async () => {
    driven = await Driven.open(user);
  });
  afterAll(() => driven.close());

  /** As the user would, in the volume. */
  const inVolume = (ref: string, script: string) => {
    const [file = '', ...args] = [...user.prefix, 'sh', '-c', script];
    execFileSync(file, args, { cwd: driven.volume(ref), stdio: 'ignore' });
  };

  it('is ready once it is made, and gone once it is destroyed', async () => {
    expect(await isReady('some')).toBe(false);
    await create('some');
    expect(await isReady('some')).toBe(true);
    expect(readdirSync(driven.volume('some'))).toEqual([]);
    await destroy('some');
    expect(await isReady('some')).toBe(false);
    expect(existsSync(driven.volume('some'))).toBe(false);
  });

  it('that is made again keeps what it holds', async () => {
    await create('kept');
    inVolume('kept', 'echo text >file');
    await create('kept');
    expect(driven.read('kept', 'file')).toBe('text\n');
  });

  it('that does not exist is destroyed already', async () => {
    await destroy('never');
    await create('twice');
    await Promise.all([destroy('twice'), destroy('twice')]);
  });

  it.each([
    'mkdir -p a/b && : >a/b/c && chmod 555 a/b && chmod 555 a && chmod 555 .',
    'mkdir -p a/b && : >a/b/c && chmod 000 a/b a . || true',
    'ln -s / root; ln -s ../other up; ln -s missing dangling',
    'mkdir -p -- -rf " " "a\nb" "*" && : >"-rf/it\'s" && : >"$(printf "\\377")"',
    'i=0; while [ $i -lt 60 ]; do mkdir -p d && cd d; i=$((i+1)); done',
  ])('is destroyed whatever it holds: %s', async (script) => {
    await create('odd');
    inVolume('odd', script);
    await destroy('odd');
    expect(existsSync(driven.volume('odd'))).toBe(false);
    expect(readdirSync(join(driven.directory, 'trash'))).toEqual([]);
  });

  it('of many files is destroyed while others are made', async () => {
    await create('many');
    for (let directory = 0; directory < 20; directory++) {
      mkdirSync(join(driven.volume('many'), String(directory)));
      for (let file = 0; file < 200; file++)
        writeFileSync(join(driven.volume('many'), `${directory}/${file}`), '');
    }
    if (user.uid !== process.getuid?.())
      execFileSync('chown', ['-R', String(user.uid), driven.volume('many')]);
    const destroyed = destroy('many');
    await create('meanwhile');
    expect(existsSync(driven.volume('meanwhile'))).toBe(true);
    await destroyed;
    expect(existsSync(driven.volume('many'))).toBe(false);
    expect(readdirSync(join(driven.directory, 'trash'))).toEqual([]);
  });

  it.each(['', '.', '..', '../x', 'a/b', '/etc', '.hidden', '-x', 'a b', 'a\0b', 'x'.repeat(300)])(
    'cannot be called %j',
    async (ref) => {
      await expect(create(ref)).rejects.toMatchObject({ kind: 'Invalid' });
      await expect(destroy(ref)).rejects.toMatchObject({ kind: 'Invalid' });
      await expect(isReady(ref)).rejects.toMatchObject({ kind: 'Invalid' });
    },
  );

  it('that was half deleted by a server that was killed is deleted by the next one', async () => {
    const leftover = join(driven.directory, 'trash/leftover');
    mkdirSync(leftover);
    symlinkSync('/', join(leftover, 'link'));
    if (user.uid !== process.getuid?.()) execFileSync('chown', ['-hR', String(user.uid), leftover]);
    chmodSync(leftover, 0o555);
    await driven.restart();
    while (readdirSync(join(driven.directory, 'trash')).length > 0) await setTimeout(10);
    expect(statSync('/').isDirectory()).toBe(true);
  });
});

describe.runIf(users.some(({ isRoot }) => isRoot))('a volume with files of other users', () => {
  it('is destroyed by root', async () => {
    const driven = await Driven.open(users[0] as (typeof users)[number]);
    await driven.host.call('create', 'foreign');
    mkdirSync(join(driven.volume('foreign'), 'theirs'));
    writeFileSync(join(driven.volume('foreign'), 'theirs/file'), '');
    execFileSync('chown', ['-R', '12345:12345', driven.volume('foreign')]);
    chmodSync(join(driven.volume('foreign'), 'theirs'), 0o500);
    await driven.host.call('destroy', 'foreign');
    expect(readdirSync(join(driven.directory, 'volumes'))).toEqual([]);
    await driven.close();
  });
});
