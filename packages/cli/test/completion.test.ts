import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import type { DataDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { candidateLine } from '../src/completion/candidate.ts';
import { program } from './knit.ts';
import { RunningKnit } from './running-knit.ts';
import { isInstalled, Terminal } from './terminal.ts';

let running: RunningKnit;
let data: DataDetail;
let env: Record<string, string | undefined>;

/** What no shell may ever run, and no terminal obey. */
const hostile = ['hostile:$(touch pwned)', 'hostile:`touch pwned`', "hostile:';touch pwned;'", 'hostile:a b'];

beforeAll(async () => {
  running = await RunningKnit.start();
  data = await running.push(await running.directory('mails', { a: '1' }), 'type:raw', '種類:木', ...hostile);
  await running.applyPlan({ input: 'type:none', output: 'type:made', script: 'true' });
  const bin = join(running.home.path, 'bin');
  await mkdir(bin);
  const words = program.map((word) => `'${word}'`).join(' ');
  await writeFile(join(bin, 'knit'), `#!/bin/sh\nexec ${words} "$@"\n`);
  await writeFile(join(bin, 'knit-hello'), '#!/bin/sh\n');
  for (const file of ['knit', 'knit-hello']) await chmod(join(bin, file), 0o755);
  env = {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    HOME: running.home.path,
    TERM: 'xterm',
    LC_ALL: 'C.UTF-8',
    PS1: '> ',
    KNIT_PROFILE: undefined,
  };
});
afterAll(() => running.stop());

/** The words that are offered for a command line, with their descriptions. */
async function offered(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await running.home.knit(['__complete', 'bash', ...words]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').slice(0, -1);
}
const values = async (...words: string[]) =>
  (await offered(...words)).slice(1).map((line) => line.split('\t')[0]);

describe('knit offers', () => {
  it('commands, extensions, flags, and values, each with what it is', async () => {
    expect(await offered('da')).toEqual(['words', 'data\tpush, pull, find, tag and trace Data']);
    expect(await values('data', 'pu')).toEqual(['push', 'pull']);
    expect(await values('data', 'find', '--tr')).toEqual(['--transient']);
    expect(await values('data', 'find', '--transient', '')).toEqual(['yes', 'no', 'both']);
    expect(await values('data', 'find', '--transient=')).toEqual([
      '--transient=yes',
      '--transient=no',
      '--transient=both',
    ]);
    expect(await values('data', 'find', '--output', 'j')).toEqual(['json']);
    expect(await values('run', 'find', '-s', 'done,f')).toEqual(['done,failed']);
    expect(await values('plan', 'active', '')).toEqual(['yes', 'no']);
    expect(await values('completion', '')).toEqual(['bash', 'zsh', 'fish']);
    expect(await values('help', 'da')).toEqual(['data']);
    expect(await values('data', 'lineage', '-n', '')).toEqual(['all']);
  });

  it('ids with tags, image or status, newest first, where one is wanted and nowhere else', async () => {
    const { knitId } = data;
    const [, ...lines] = await offered('data', 'show', '');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(new RegExp(`^${knitId}\thostile:`));
    expect((await offered('plan', 'show', ''))[1]).toMatch(/^[0-9a-f-]{36}\thost:v1 sh -c true$/);
    expect((await offered('run', 'show', ''))[1]).toMatch(/^[0-9a-f-]{36}\tdone knit#uploaded$/);
    expect(await values('data', 'show', knitId.slice(0, 9))).toEqual([knitId]);
    expect(await values('data', 'show', 'x')).toEqual([]);
    expect(await values('data', 'show', knitId, '')).toEqual([]);
    expect(await values('run', 'find', '-i', '')).toEqual([knitId]);
    const second = await running.push(join(running.home.work, 'mails'), 'type:raw');
    expect(await values('data', 'show', '')).toEqual([second.knitId, knitId]);
  });

  it('tags, but none that a shell would take for anything else', async () => {
    expect(await values('data', 'find', '-t', '')).toEqual(['type:made', 'type:none', 'type:raw', '種類:木']);
    expect(await values('data', 'find', '--tag=ty')).toEqual(
      ['made', 'none', 'raw'].map((each) => `--tag=type:${each}`),
    );
  });

  it('files and directories where they are wanted', async () => {
    expect(await offered('plan', 'apply', '')).toEqual(['files']);
    expect(await offered('data', 'push', '-n', 'ma')).toEqual(['directories']);
    expect(await offered('up', '--data-dir=')).toEqual(['directories']);
  });

  it('nothing, and says nothing, where there is no server, no such profile, or no such command', async () => {
    expect(await offered('data', 'show', '--profile', 'nowhere', '')).toEqual([]);
    expect(await offered('dta', 'show', '')).toEqual(['words']);
  });
});

describe('a server that means ill', () => {
  const tags = ['\x1b]0;title\x07', 'a\tb\nc', '\u202eexe', `long:${'x'.repeat(1 << 20)}`];
  let server: Server;
  beforeAll(async () => {
    // None of ours: it would not keep such ids and tags.
    const item = (knitId: string) => ({
      knitId,
      tags,
      upstream: { run: {} },
      downstreams: [],
      nomination: [],
    });
    server = createServer((request, response) => {
      if (request.url?.includes('hang')) return;
      response.end(JSON.stringify(['$(touch pwned)', '-rf', '~', 'id\n:x', 'good'].map(item)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const apiRoot = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
    await running.directory('../.knit', {
      profile: JSON.stringify({ ill: { apiRoot }, slow: { apiRoot: apiRoot.replace('/api', '/hang') } }),
    });
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('can put nothing into the line but plain words, and no command into a description', async () => {
    const [, ...lines] = await offered('--profile', 'ill', 'data', 'show', '');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^good\t[^\p{Cc}\u202e]+…$/u);
    expect(lines[0]?.length).toBeLessThan(100);
  });

  it('or never answers is not waited for', async () => {
    const startedAt = Date.now();
    expect(await offered('--profile', 'slow', 'data', 'show', '')).toEqual([]);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });
});

it.each(['$(x)', '`x`', "a'b", 'a b', 'a;b', '~', '-x y', '', 'a\nb', 'a*', '=x', '{a,b}'])(
  'never offers %j',
  (value) => {
    expect(candidateLine({ value })).toBeUndefined();
  },
);

describe.skipIf(!isInstalled('script'))('in a shell on a terminal', () => {
  const pressTab = async (shell: Terminal, line: string, completed: string) => {
    // Ctrl-U clears the line before.
    const output = await shell.answer(`\u0015${line}\t`, (text) => text.includes(completed));
    expect(output).toContain(completed);
  };

  async function checkLine(shell: Terminal): Promise<void> {
    await shell.until((text) => text.includes('ready>'));
    const { knitId } = data;
    await pressTab(shell, `knit data show ${knitId.slice(0, 35)}`, `${knitId} `.trim());
    await pressTab(shell, 'knit data find -t type:r', 'type:raw');
    await pressTab(shell, 'knit data find --transient=y', '--transient=yes');
    await pressTab(shell, 'knit data find -t 種', '種類:木');
    await pressTab(shell, 'knit data push ma', 'mails/');
    await pressTab(shell, 'knit versi', 'version');
    // Twice, for the list: descriptions beside the words, and nothing of what is hostile is done.
    await shell.answer('\u0015knit data find --\t\t', (text) => text.includes('tag that the Data have'));
    shell.type('\u0015knit data find -t host\t\t\u0015exit\n');
    await shell.end();
    expect(existsSync(join(running.home.work, 'pwned'))).toBe(false);
  }

  it.skipIf(!isInstalled('bash'))('bash completes', async () => {
    const rc = join(running.home.path, 'bashrc');
    await writeFile(rc, "PS1='ready> '\nsource <(knit completion bash)\n");
    await checkLine(new Terminal(`bash --noprofile --rcfile ${rc} -i`, { cwd: running.home.work, env }));
  });

  it.skipIf(!isInstalled('zsh'))('zsh completes', async () => {
    const lines = [
      "PS1='ready> '",
      'autoload -U compinit; compinit -u -D',
      'source <(knit completion zsh)',
      'setopt no_always_last_prompt',
    ];
    await writeFile(join(running.home.path, '.zshrc'), lines.join('\n'));
    const shell = new Terminal('zsh -i', {
      cwd: running.home.work,
      env: { ...env, ZDOTDIR: running.home.path },
    });
    await checkLine(shell);
  });
});

it.skipIf(!isInstalled('fish'))('fish completes', () => {
  const fish = (line: string): string[] =>
    execFileSync('fish', ['-c', `knit completion fish | source; complete -C '${line}'`], {
      cwd: running.home.work,
      encoding: 'utf8',
      env: { ...env },
    })
      .trimEnd()
      .split('\n');
  const { knitId } = data;
  expect(fish(`knit data show ${knitId.slice(0, 35)}`)[0]).toMatch(new RegExp(`^${knitId}\thostile:`));
  expect(fish('knit data find --transient=y')).toEqual(['--transient=yes']);
  expect(fish('knit data find -t type:r')).toEqual(['type:raw']);
  expect(fish('knit data push ma')).toEqual(['mails/']);
  expect(fish('knit up --data-dir=ma')).toEqual(['--data-dir=mails/']);
  expect(fish('knit hel')).toEqual(['help\ttell more of a command', 'hello\tan extension']);
});
