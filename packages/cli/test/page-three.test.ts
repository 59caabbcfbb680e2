import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { withPlainFlags } from '../src/options/boolean-values.ts';
import { createProgram } from '../src/program.ts';

// The table of spec page 3, row by row: every command with every flag in each of its spellings.

const id = 'df5bb638-9ae8-47e4-b378-1bd6fc33157e';
const tag = { key: 'k', value: 'v' };

interface Flag {
  readonly names: readonly string[];
  /** What is written, and what is understood; a flag without it takes no value. */
  readonly value?: readonly [string, unknown];
}

const flag = (...names: string[]): Flag => ({ names });
const valued = (names: string, written: string, understood: unknown = written): Flag => ({
  names: names.split(' '),
  value: [written, understood],
});
const interval = [
  valued('--since', '2024-03-06T09:25+09:00', '2024-03-06T09:25:00+09:00'),
  valued('--duration', '1h30m'),
];
const graph = [
  flag('-u', '--upstream'),
  flag('-d', '--downstream'),
  valued('-n --numbers', '7', 7),
  valued('--format', 'svg'),
];

const rows: readonly [string, string[], Flag[]][] = [
  ['init', ['FILE'], []],
  [
    'data push',
    ['DIRECTORY', 'ANOTHER'],
    [valued('-t --tag', 'k:v', [tag]), flag('-n', '--name'), flag('-L', '--dereference')],
  ],
  ['data pull', [id, 'DEST'], [flag('-x', '--extract')]],
  ['data pull', [id, '-'], []],
  [
    'data find',
    [],
    [
      valued('-t --tag', 'k:v', [tag]),
      valued('--transient', 'true', 'yes'),
      valued('--transient', 'both'),
      ...interval,
    ],
  ],
  [
    'data tag',
    [id],
    [valued('--add', 'k:v', [tag]), valued('--remove', 'k:v', [tag]), valued('--remove-key', 'k', ['k'])],
  ],
  ['data show', [id], []],
  ['data lineage', [id], [...graph, valued('-n', 'all')]],
  ['plan template', ['image:v1'], [flag('--scratch'), valued('-i --input', 'FILE')]],
  ['plan apply', ['FILE'], [flag('--dry-run')]],
  ['plan show', [id], []],
  [
    'plan find',
    [],
    [
      valued('--active', 'no'),
      valued('--image', 'i:t'),
      valued('-i --in-tag', 'k:v', [tag]),
      valued('-o --out-tag', 'k:v', [tag]),
    ],
  ],
  ['plan active', ['yes', id], []],
  ['plan resource', [id], [valued('-s --set', 'cpu=2', { cpu: '2' }), valued('-u --unset', 'cpu', ['cpu'])]],
  [
    'plan annotate',
    [id],
    [valued('--add', 'k=v', ['k=v']), valued('--remove', 'k=v', ['k=v']), valued('--remove-key', 'k', ['k'])],
  ],
  ['plan serviceaccount', [id], [valued('--set', 'NAME'), flag('--unset')]],
  ['plan graph', [id], graph],
  [
    'run find',
    [],
    [
      valued('-p --planid', id, [id]),
      valued('-i --in-knitid', id, [id]),
      valued('-o --out-knitid', id, [id]),
      valued('-s --status', 'done', ['done']),
      ...interval,
    ],
  ],
  ['run show', [id], [flag('--log'), flag('-f', '--follow')]],
  ['run stop', [id], [flag('--fail')]],
  ['run retry', [id], []],
  ['run rm', [id], []],
  ['run wait', [id], []],
  ['version', [], []],
  ['license', [], []],
];

let program: Command;
beforeAll(async () => {
  program = await createProgram([], { all: true });
});

/** What a command's action is given, without doing it. */
async function parsed(
  words: readonly string[],
  args: readonly string[],
): Promise<{ operands: string[]; options: Record<string, unknown> }> {
  let command = program;
  for (const word of words) command = command.commands.find((each) => each.name() === word) as Command;
  const given = Promise.withResolvers<{ operands: string[]; options: Record<string, unknown> }>();
  command.action(() => given.resolve({ operands: command.args, options: command.optsWithGlobals() }));
  await program.parseAsync(withPlainFlags(program, args), { from: 'user' });
  return await given.promise;
}

const propertyOf = ({ names }: Flag): string =>
  (names.at(-1) ?? '').replace(/^-+/, '').replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

describe.each(rows)('knit %s', (name, operands, flags) => {
  const words = name.split(' ');

  it('takes its operands, and the common flags before and after it', async () => {
    const common = ['--profile', 'p', '--profile-store=s', '--env', 'e'];
    for (const args of [
      [...common, ...words, ...operands],
      [...words, ...common, ...operands],
      [...words, ...operands, ...common],
    ]) {
      const given = await parsed(words, args);
      expect(given.operands).toEqual(operands);
      expect(given.options).toMatchObject({ profile: 'p', profileStore: 's', env: 'e' });
    }
  });

  it.runIf(flags.length > 0)('takes each of its flags in each spelling', async () => {
    for (const each of flags) {
      const command = words.reduce(
        (at, word) => at.commands.find((one) => one.name() === word) as Command,
        program,
      );
      const property =
        command.options
          .find(({ long, short }) => each.names.includes(long ?? '') || each.names.includes(short ?? ''))
          ?.attributeName() ?? propertyOf(each);
      for (const flagName of each.names) {
        const [written, understood] = each.value ?? [];
        const spellings: [string[], unknown][] =
          written === undefined
            ? [
                [[flagName], true],
                [[`${flagName}=true`], true],
                [[flagName, 'true'], true],
                [[`${flagName}=false`], undefined],
                [[flagName, 'false'], undefined],
              ]
            : [
                [[flagName, written], understood],
                [[`${flagName}=${written}`], understood],
              ];
        for (const [spelling, value] of spellings) {
          program = await createProgram([], { all: true });
          const { operands: rest, options } = await parsed(words, [...words, ...spelling, ...operands]);
          expect({ spelling, rest, value: options[property] }).toEqual({ spelling, rest: operands, value });
        }
      }
    }
  });
});
