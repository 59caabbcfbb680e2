import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { textAfterHelp } from '../../../scripts/reference/text-after-help.ts';
import { createProgram, every } from '../src/program.ts';
import { Home } from './knit.ts';
import { isInstalled, Terminal } from './terminal.ts';

let home: Home;
beforeAll(async () => {
  home = await Home.create();
});
afterAll(() => home.remove());

describe('the help', async () => {
  const program = await createProgram([]);
  const commands = every(program).filter((command) => command.commands.length === 0);

  it.each(commands.map((command) => [`${command.parent?.name()} ${command.name()}`, command] as const))(
    'of %s says what it does, what each word and flag means, and shows an example',
    (_, command) => {
      expect(command.description()).toMatch(/^[a-z].*[^.]$/);
      for (const { description } of [...command.options, ...command.registeredArguments])
        expect(description).not.toBe('');
      expect(textAfterHelp(command).examples.length).toBeGreaterThan(0);
    },
  );

  it('is the same however it is asked for, and on stderr with exit code 2 when nothing is said', async () => {
    const help = await home.knit(['data', 'push', '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(await home.knit(['help', 'data', 'push'])).toEqual(help);
    const all = await home.knit(['--help']);
    expect(all.stdout).toMatch(/^Data:\n {2}data push {2,}upload directories/m);
    expect(await home.knit(['help'])).toEqual(all);
    expect(await home.knit([])).toEqual({ code: 2, stdout: '', stderr: all.stdout });
  });

  it.each([20, 40, 80, 200])('fits a terminal of %i columns', (width) => {
    for (const command of every(program)) {
      command.configureOutput({ getOutHelpWidth: () => width });
      const longestWord = 40;
      const [, ...lines] = command.helpInformation().split('\n');
      for (const line of lines)
        expect(line.length).toBeLessThanOrEqual(Math.max(longestWord, Math.min(width, 100)));
    }
  });
});

describe('extensions', () => {
  it('are listed, whatever else is on PATH', async () => {
    const path = (name: string) => join(home.path, name);
    for (const name of ['one', 'two']) await mkdir(path(name));
    for (const file of ['one/knit-hello', 'two/knit-hello', 'two/knit-other', 'two/knit-data'])
      await writeFile(path(file), '#!/bin/sh\n').then(() => chmod(path(file), 0o755));
    await writeFile(path('one/knit-text'), 'no program');
    await mkdir(path('one/knit-directory'));
    await symlink('nowhere', path('one/knit-dangling'));
    await writeFile(path('file'), '');
    const PATH = ['one', 'two', 'missing', 'file'].map(path).join(delimiter);
    const { stdout } = await home.knit(['--help'], { env: { PATH } });
    expect(stdout).toContain('Extensions (programs knit-NAME on PATH):\n  hello\n  other\n\nTo begin:');
  });
});

describe.skipIf(!isInstalled('script'))('colours', () => {
  const firstLine = async (variables: Record<string, string>) => {
    const { NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, ...env } = process.env;
    const command = `${process.execPath} ${join(import.meta.dirname, '../bin/knit.js')} --help`;
    const terminal = new Terminal(command, {
      cwd: home.work,
      env: { ...env, TERM: 'xterm', HOME: home.path, ...variables },
    });
    await terminal.end();
    return terminal.output.split('\r\n')[0];
  };

  it('are there on a terminal, and not where NO_COLOR is set or the terminal has none', async () => {
    expect(await firstLine({})).toContain('\x1b[1mUsage:');
    expect(await firstLine({ NO_COLOR: '' })).toContain('\x1b[1mUsage:');
    expect(await firstLine({ NO_COLOR: '1' })).toMatch(/^Usage:/);
    expect(await firstLine({ TERM: 'dumb' })).toMatch(/^Usage:/);
  });

  it('are not there where the output is no terminal, unless they are forced', async () => {
    expect((await home.knit(['--help'])).stdout).toMatch(/^Usage:/);
    expect((await home.knit(['--help'], { env: { FORCE_COLOR: '1' } })).stdout).toContain('\x1b[1mUsage:');
  });
});
