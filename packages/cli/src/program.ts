import { Command, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { help } from './commands/help.ts';
import { commands } from './commands/index.ts';
import { KnitHelp } from './help.ts';
import { outputFormat } from './options/values.ts';
import { isColoured } from './output/style.ts';

const commonOptions = [
  new Option('--profile <NAME>', 'server, by its name in the profile store').env('KNIT_PROFILE'),
  new Option('--profile-store <FILE>', 'instead of ~/.knit/profile').env('KNIT_PROFILE_STORE'),
  new Option('--env <FILE>', 'instead of the nearest knitenv').env('KNIT_ENV'),
  new Option('--output <table|json|yaml>', 'how to print results: table on a terminal, else json').argParser(
    outputFormat,
  ),
];

const beginning = `To begin:
  $ knit up
  $ knit data push -t type:raw ./mails

\`knit help COMMAND\` tells more of a command, with an example.`;

/**
 * Makes the program with those of its commands whose words occur on the command line; the others are there by name.
 * @param options.all whether all commands are made; they are when no word occurs: then help or a suggestion is wanted
 * @param options.extensions what the help says of extensions
 */
export async function createProgram(
  args: readonly string[],
  {
    all = !Object.keys(commands).some((name) => args.includes(name)),
    extensions = async () => '',
  }: { all?: boolean; extensions?: () => Promise<string> } = {},
): Promise<Command> {
  const program = new Command('knit')
    .description(
      'Knitfab: pipelines that tagged Data start by themselves, and the lineage of all that they make',
    )
    .version(manifest.version, '--version', 'print the version of this command')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'knit: ')),
      getOutHasColors: () => isColoured(process.stdout),
      getErrHasColors: () => isColoured(process.stderr),
    })
    .showHelpAfterError('Try --help for the usage and an example.');
  for (const option of commonOptions) program.addOption(option);
  for (const [name, { group, summary, load }] of Object.entries(commands)) {
    const command = all || args.includes(name) ? await load() : new Command(name);
    program.addCommand(command.description(summary).helpGroup(group));
  }
  program.addCommand(help.helpGroup('About knit:'));
  for (const command of every(program)) prepare(command, program);
  if (all) program.addHelpText('after', `\n${await extensions()}${beginning}`);
  return program.helpCommand(false);
}

/** A command and all below it. */
export const every = (command: Command): Command[] => [command, ...command.commands.flatMap(every)];

function prepare(command: Command, program: Command): void {
  command.createHelp = () => new KnitHelp();
  if (command !== program) command.copyInheritedSettings(program);
}
