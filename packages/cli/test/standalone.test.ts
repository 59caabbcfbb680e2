import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Home } from './knit.ts';

let home: Home;
beforeAll(async () => {
  home = await Home.create();
});
afterAll(() => home.remove());

async function directory(name: string): Promise<string> {
  const path = join(home.path, name);
  await mkdir(path, { recursive: true });
  return path;
}

describe('knit without a server', () => {
  it('prints its version, its license and its help on stdout', async () => {
    expect(await home.knit(['version'])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    });
    expect((await home.knit(['license'])).stdout).toContain('Apache License, Version 2.0');
    const help = await home.knit(['--help']);
    expect(help.code).toBe(0);
    for (const word of ['up', 'init', 'data', 'plan', 'run', 'version'])
      expect(help.stdout).toMatch(new RegExp(`^ {2}${word} `, 'm'));
  });

  it('shows an example in the help of a command', async () => {
    const { code, stdout } = await home.knit(['data', 'push', '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}\$ knit data push /);
  });

  it('exits with 2 for wrong usage, says what is wrong, and prints nothing on stdout', async () => {
    const cases: [string[], RegExp][] = [
      [['dta'], /unknown command 'dta'\n\(Did you mean data\?\)/],
      [['data', 'pusk', 'x'], /Did you mean push\?/],
      [['data', 'push', '--tga', 'a:b', 'x'], /Did you mean --tag\?/],
      [['data'], /Usage: knit data/],
      [['data', 'push'], /missing required argument 'SOURCE'/],
      [['data', 'push', '-t', 'raw', '.'], /"raw" is not a tag.*key:value/],
      [['data', 'push', '-t', 'knit#id:1', '.'], /system tag/],
      [['data', 'find', '--duration', '1h'], /--duration needs --since/],
      [['data', 'find', '--since', 'yesterday'], /"yesterday" is not a time/],
      [['data', 'find', '--output', 'xml'], /none of table, json, yaml/],
      [['data', 'lineage', '--format', 'png', 'x'], /Allowed choices are dot, svg, html, text, json/],
      [['data', 'pull', '-x', 'df5bb638-9ae8-47e4-b378-1bd6fc33157e', '-'], /leave out -x/],
      [['data', 'tag', 'df5bb638-9ae8-47e4-b378-1bd6fc33157e'], /nothing to do/],
      [['run', 'find', '-s', 'finished'], /"finished" is not a status; there are deactivated/],
      [['run', 'show', '-f', 'x'], /--follow goes with --log/],
      [['plan', 'active', 'maybe', 'x'], /neither yes nor no/],
      [['plan', 'serviceaccount', 'x'], /either --set NAME or --unset/],
      [['plan', 'show'], /missing required argument 'PLAN_ID'/],
      [['plan', 'resource', '--set', 'cpu', 'x'], /"cpu" is not a resource/],
      [['plan', 'annotate', 'x'], /nothing to do/],
      [['data', 'find', 'x'], /too many arguments/],
      [['data', 'find', '--limit', '0'], /it has to be 1 or more/],
      [['data', 'find', '--limit', '1', '--last', '1'], /either --limit N or --last N/],
      [['run', 'wait', '--timeout', 'soon'], /"soon" is not a positive duration/],
      [['run', 'wait', '--plan', 'x'], /"x" is not an id/],
      [['run', 'wait', '--plan', '00000000-0000-4000-8000-000000000000', 'x'], /either RUN_ID or --plan/],
      [['help', 'dat'], /there is no command 'dat'\n\(Did you mean data\?\)/],
      [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
      [['version', 'x'], /too many arguments/],
      [['up', '--port', '65536'], /not a port/],
      [['--profle', 'x', 'run', 'find'], /unknown option '--profle'\n\(Did you mean --profile\?\)/],
    ];
    const outcomes = await Promise.all(cases.map(([args]) => home.knit(args)));
    for (const [index, [args, message]] of cases.entries()) {
      const outcome = outcomes[index];
      expect({ args, ...outcome }).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringMatching(message),
      });
    }
  });

  it('exits with 1 and says what to do when no server is known', async () => {
    const { code, stdout, stderr } = await home.knit(['run', 'find']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^knit: no Knitfab server is known[\s\S]*`knit up`/);
  });

  it('says that nothing listens where the profile points to', async () => {
    const store = join(home.path, 'store');
    await writeFile(store, 'gone: {apiRoot: "http://127.0.0.1:1/api"}\n');
    const { code, stderr } = await home.knit(['run', 'find', '--profile', 'gone', '--profile-store', store]);
    expect(code).toBe(1);
    expect(stderr).toContain("can't reach the server at http://127.0.0.1:1/api");
  });

  it('takes a malformed id for no such thing', async () => {
    const { code, stderr } = await home.knit(['run', 'show', 'foo']);
    expect(code).toBe(1);
    expect(stderr).toContain('there is no Run "foo"');
  });
});

describe('knit init', () => {
  it('stores the profile and makes it the one of the directory and of all below it', async () => {
    const project = await directory('init/project/below');
    const handout = join(home.path, 'knitprofile');
    await writeFile(handout, 'apiRoot: http://127.0.0.1:1/api\n');
    const above = join(project, '..');
    expect(await home.knit(['init', handout], { cwd: above })).toMatchObject({ code: 0, stdout: '' });
    const store = join(home.path, '.knit', 'profile');
    expect((await stat(store)).mode & 0o777).toBe(0o600);
    expect(await readFile(join(above, '.knitprofile'), 'utf8')).toBe(`${join(home.path, 'init/project')}\n`);
    const { stderr } = await home.knit(['run', 'find'], { cwd: project });
    expect(stderr).toContain('http://127.0.0.1:1/api');
  });

  it('refuses what is no profile, and writes nothing', async () => {
    const project = await directory('init-bad');
    for (const [content, reason] of [
      ['apiRoot: 5\n', 'apiRoot'],
      ['[', 'is not YAML'],
      ['apiRoot: http://x/api\ncert: {ca: Zm9v}\n', 'cert.ca'],
    ] as const) {
      const file = join(home.path, 'bad');
      await writeFile(file, content);
      const { code, stderr } = await home.knit(['init', file], { cwd: project });
      expect(code).toBe(1);
      expect(stderr).toContain(reason);
    }
    const missing = await home.knit(['init', 'nothing'], { cwd: project });
    expect(missing.stderr).toBe('knit: nothing: there is no such file or directory\n');
    await expect(stat(join(project, '.knitprofile'))).rejects.toThrow('ENOENT');
  });
});

describe('knit plan template', () => {
  it('writes a Plan with the tags of knitenv', async () => {
    const project = await directory('template');
    await writeFile(join(project, 'knitenv'), 'tag: ["project:spam"]\nresource: {memory: 3Gi}\n');
    const { code, stdout } = await home.knit(['plan', 'template', '--scratch', 'host:v7'], { cwd: project });
    expect(code).toBe(0);
    expect(stdout).toContain('image: "host:v7"');
    expect(stdout.match(/- "project:spam"/g)).toHaveLength(3);
    expect(stdout).toContain('"memory": "3Gi"');
  });
});

describe('a program knit-NAME on PATH', () => {
  it('is knit NAME, with its arguments, stdio, exit code, and where the server is', async () => {
    const path = await directory('bin');
    const file = join(path, 'knit-hello');
    await writeFile(
      file,
      '#!/bin/sh\ncat\necho "$@" "$KNIT_PROFILE" "$KNIT_PROFILE_STORE" "$KNIT_ENV"\nexit 7\n',
    );
    await chmod(file, 0o755);
    const env = { PATH: `${path}:${process.env.PATH}` };
    const args = ['--profile', 'work', 'hello', '-x', '--profile', 'mine'];
    const { code, stdout } = await home.knit(args, { env, input: 'input ' });
    expect(code).toBe(7);
    expect(stdout).toBe(
      `input -x --profile mine work ${join(home.path, '.knit', 'profile')}\n`.replace(/\n$/, ' \n'),
    );
    expect((await home.knit(['--help'], { env })).stdout).toMatch(
      /Extensions \(programs knit-NAME on PATH\):\n {2}hello\n/,
    );
  });

  it('does not take the place of a command', async () => {
    const path = await directory('bin-version');
    const file = join(path, 'knit-version');
    await writeFile(file, '#!/bin/sh\necho mine\n');
    await chmod(file, 0o755);
    const { stdout } = await home.knit(['version'], { env: { PATH: `${path}:${process.env.PATH}` } });
    expect(stdout).not.toContain('mine');
  });
});
