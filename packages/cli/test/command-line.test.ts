import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { withPlainFlags } from '../src/options/boolean-values.ts';
import { statuses, tags } from '../src/options/values.ts';
import { createProgram } from '../src/program.ts';

describe('flags with values', () => {
  const program = new Command('knit').addCommand(
    new Command('pull').option('-x, --extract').option('-t, --tag <TAG>').argument('[ID]'),
  );
  const plain = (...args: string[]) => withPlainFlags(program, ['pull', ...args]).slice(1);

  it('are the plain flag when the value is true, and nothing when it is false', () => {
    expect(plain('--extract=true', 'id')).toEqual(['--extract', 'id']);
    expect(plain('--extract', 'true', 'id')).toEqual(['--extract', 'id']);
    expect(plain('-x', 'false', 'id')).toEqual(['id']);
    expect(plain('--extract=false', 'id')).toEqual(['id']);
  });

  it('are known in the words of other programs, too, and nothing else is taken for one', () => {
    expect(plain('--extract=1', '-x=NO')).toEqual(['--extract']);
    expect(() => plain('--extract=maybe')).toThrow('--extract is true or false, not "maybe"');
  });

  it('may have a value behind "=" in their short form', () => {
    expect(plain('-t=a:b=c', 'id')).toEqual(['-t', 'a:b=c', 'id']);
  });

  it('leave everything else as it is', () => {
    for (const args of [
      ['--extract', 'id'],
      ['--tag', '-x', 'true'],
      ['--tag=a:b', 'id'],
      ['--', '--extract=true'],
    ]) {
      expect(plain(...args)).toEqual(args);
    }
  });
});

describe('values of options', () => {
  it('are gathered when an option is repeated', () => {
    expect(tags('b:2', tags('a:1'))).toEqual([
      { key: 'a', value: '1' },
      { key: 'b', value: '2' },
    ]);
    expect(statuses('done,failed', ['ready'])).toEqual(['ready', 'done', 'failed']);
  });

  it('are refused with a reason and what to write instead', () => {
    expect(() => tags('raw')).toThrow(/no ":".*such as type:raw/);
    expect(() => statuses('invalidated')).toThrow(/there are deactivated, waiting/);
  });
});

describe('every command', async () => {
  const program = await createProgram(['up', 'init', 'data', 'plan', 'run', 'version', 'license']);
  const leaves = program.commands.flatMap((command) =>
    command.commands.length === 0 ? [command] : command.commands.map((each) => each),
  );

  it.each(leaves.map((command) => [`${command.parent?.name()} ${command.name()}`, command] as const))(
    '%s says what it does',
    (_, command) => {
      expect(command.description()).not.toBe('');
      for (const option of command.options) expect(option.description).not.toBe('');
    },
  );
});
