import { type Argument, type Command, Help, type Option } from 'commander';
import { createProgram } from '../../packages/cli/src/program.ts';
import { textAfterHelp } from './text-after-help.ts';

const introduction = `# The \`knit\` command

<!-- Generated from the commands by \`npm run reference\`: change them, not this page. -->

Results go to stdout, progress and messages to stderr. On a terminal results are tables, elsewhere the API's JSON, indented by 4;
\`--output table|json|yaml\` chooses. Colours are for terminals only, and never where \`NO_COLOR\` is set.

| exit code | meaning |
|---|---|
| 0 | it is done |
| 1 | it failed; stderr says why, and what to do |
| 2 | wrong usage |
| 128 + N | signal N ended it: 130 after Ctrl-C |

A flag's value follows it as \`--flag value\` or \`--flag=value\`; \`--\` ends the flags. \`knit NAME …\` runs a program \`knit-NAME\` from \`PATH\`
when there is no command NAME. [\`knit completion\`](#knit-completion) makes your shell complete commands, flags, ids and tags.
`;

/** The reference of the command, as Markdown: all commands with their arguments, flags and examples. */
export async function cliReference(): Promise<string> {
  const program = await createProgram([]);
  const leaves = program.commands.flatMap((command) =>
    command.commands.length > 0 ? command.commands : [command],
  );
  const groups = Map.groupBy(leaves, (command) => headingOf(command, program));
  return [
    introduction,
    '## Flags of every command\n',
    optionsTable(program.options.filter(({ long }) => long !== '--version')),
    ...[...groups].flatMap(([heading, commands]) => [`## ${heading}\n`, ...commands.map(section)]),
  ].join('\n');
}

const headingOf = (command: Command, program: Command): string =>
  (command.parent === program ? command : (command.parent ?? command)).helpGroup().replace(/:$/, '');

function section(command: Command): string {
  const { remarks, examples } = textAfterHelp(command);
  return [
    `### ${nameOf(command)}\n`,
    `${sentence(command.description())}\n`,
    fence(`${nameOf(command)} ${command.usage()}`),
    command.registeredArguments.length > 0 ? argumentsTable(command.registeredArguments) : '',
    command.options.length > 0 ? optionsTable(command.options) : '',
    remarks === '' ? '' : `${remarks}\n`,
    examples.length > 0 ? fence(examples.map((line) => `$ ${line}`).join('\n'), 'console') : '',
  ]
    .filter((part) => part !== '')
    .join('\n');
}

const nameOf = (command: Command): string =>
  command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const fence = (text: string, language = ''): string => `\`\`\`${language}\n${text}\n\`\`\`\n`;

const helper = new Help();

const argumentsTable = (list: readonly Argument[]): string =>
  table(
    'argument',
    list.map((each) => [each.name(), helper.argumentDescription(each)]),
  );

const optionsTable = (list: readonly Option[]): string =>
  table(
    'flag',
    list.map((each) => [each.flags, helper.optionDescription(each)]),
  );

const table = (title: string, rows: readonly (readonly [string, string])[]): string =>
  [
    `| ${title} | |`,
    '|---|---|',
    ...rows.map(([term, text]) => `| \`${cell(term)}\` | ${cell(text).replaceAll('<', '&lt;')} |`),
    '',
  ].join('\n');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
