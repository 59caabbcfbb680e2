import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CodeDigests } from '../../src/local/code-digests.ts';
import type { Machine } from '../../src/local/machine.ts';
import { temporaryDirectory, users } from './users.ts';

const [user] = users as [(typeof users)[number]];

describe('the digests of a command', () => {
  const place = temporaryDirectory(user);
  const at = (name: string) => join(place.path, name);
  const digests = new CodeDigests();
  const machine: Machine = {
    isRoot: true,
    mounts: [],
    topLevel: [],
    home: undefined,
    temporary: ['/nowhere'],
    hidden: [],
  };
  const of = (command: string[], inputs: { path: string; directory: string }[] = []) =>
    digests.of({ command, searchPath: `relative:${at('missing')}:${at('bin')}`, machine, inputs });
  const sha256 = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

  mkdirSync(at('bin'));
  writeFileSync(at('bin/program'), 'program');
  chmodSync(at('bin/program'), 0o755);
  writeFileSync(at('bin/text'), 'not executable');
  writeFileSync(at('code'), 'code');
  symlinkSync('code', at('link'));
  mkdirSync(at('input'));
  writeFileSync(at('input/main.py'), 'main');
  writeFileSync(at('input/data'), '');
  truncateSync(at('input/data'), 20 * 1024 * 1024);
  afterAll(() => place.remove());

  it('are those of its words that name regular files', async () => {
    expect(await of(['program', at('code'), at('link'), at('bin'), '--x=1', at('none')])).toEqual({
      program: sha256('program'),
      [at('code')]: sha256('code'),
      [at('link')]: sha256('code'),
    });
  });

  it('look for the program in PATH, and for nothing else', async () => {
    expect(await of(['text', 'program'])).toEqual({});
  });

  it('follow paths into inputs, but leave out what is data by its size', async () => {
    const inputs = [{ path: '/in/code', directory: at('input') }];
    expect(await of(['program', '/in/code/main.py', '/in/code/data', '/in/code'], inputs)).toEqual({
      program: sha256('program'),
      '/in/code/main.py': sha256('main'),
    });
  });

  it('are those of the content at the moment', async () => {
    appendFileSync(at('code'), ', changed');
    expect(await of(['program', at('code')])).toMatchObject({ [at('code')]: sha256('code, changed') });
  });
});
