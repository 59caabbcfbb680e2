import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, lacks, Workplace } from './installer.ts';

const text = (name: string) => readFileSync(join(folder, name), 'utf8');
const noShellcheck = lacks('shellcheck');

/** The uninstaller as the installer writes it. */
const uninstaller = () => /<<'UNINSTALL'\n(.*)\nUNINSTALL\n/s.exec(text('installer.sh'))?.[1] ?? '';

describe.each(['installer.sh', 'bundle.sh', 'uninstall.sh'])('%s', (name) => {
  test.skipIf(noShellcheck)(`is clean to shellcheck${noShellcheck ? ` (${noShellcheck})` : ''}`, () => {
    using place = new Workplace();
    const script = name === 'uninstall.sh' ? uninstaller() : text(name);
    const { status, stdout } = place.run('bash', '-c', 'shellcheck -s bash - <<<"$1"', 'bash', script);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
});

describe.each(['installer.sh', 'bundle.sh'])('%s', (name) => {
  test('has the version of the program', () => {
    const { version } = JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8'));
    expect(text(name)).toContain(`readonly version=v${version}\n`);
  });

  test('tells every option that it takes', () => {
    using place = new Workplace();
    const { status, stdout } = place.run(join(folder, name), '--help');
    expect(status).toBe(0);
    const taken = text(name)
      .match(/^ {6}(-[-a-z| ]+)\)/gm)
      ?.flatMap((line) => line.match(/--[-a-z]+/g) ?? []);
    expect(taken?.length).toBeGreaterThan(8);
    for (const option of new Set(taken)) {
      if (!['--help', '--version', '--platforms'].includes(option)) expect(stdout).toContain(option);
    }
  });

  test.each([
    [['--nonsense', 'x'], '--nonsense is not known'],
    [['--settings'], '--settings needs a value'],
  ])('refuses %j with a sentence', (args, sentence) => {
    using place = new Workplace();
    const { status, stderr } = place.run(join(folder, name), ...args);
    expect(status).not.toBe(0);
    expect(stderr).toContain(sentence);
  });
});

describe('installer.sh', () => {
  test.each([
    [['--prepare', '--install'], 'only one of --prepare, --install'],
    [['--install', '--timeout', 'soon'], '"soon", which is not a duration'],
    [['--install', '-n', 'Under_score'], `"Under_score" can't be the name of a namespace`],
    [['--install', '--no-tls'], 'certificates are given with --prepare or --renew-certs'],
    [['--prepare', '--no-tls', '--tls-cert', 'x'], '--no-tls and certificates are given'],
    [['--bundle', 'nowhere.tar'], 'nowhere.tar, the bundle, is not there'],
  ])('refuses %j with a sentence', (args, sentence) => {
    using place = new Workplace();
    const { status, stderr } = place.installer(...args);
    expect(status).toBeGreaterThan(0);
    expect(stderr).toContain(sentence);
  });
});
