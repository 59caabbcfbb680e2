import { Command, Option } from 'commander';
import { commands } from './commands/index.ts';
import { extensionsHelp } from './extension.ts';
import { outputFormat } from './options/values.ts';

const commonOptions = [
  new Option('--profile <NAME>', 'server, by its name in the profile store').env('KNIT_PROFILE'),
  new Option('--profile-store <FILE>', 'instead of ~/.knit/profile').env('KNIT_PROFILE_STORE'),
  new Option('--env <FILE>', 'instead of the nearest knitenv').env('KNIT_ENV'),
  new Option('--output <FORMAT>', 'table (on a terminal), json (elsewhere) or yaml').argParser(outputFormat),
];

/**
 * Makes the program with those of its commands whose words occur on the command line; the others are there by name only,
 * for help and for suggestions.
 */
export async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('knit')
    .description(
      'Knitfab: pipelines that tagged Data start by themselves, and the lineage of all that they make',
    )
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'knit: ')) })
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('Try --help for the usage and an example.')
    .addHelpText(
      'after',
      () => `${extensionsHelp()}\nTo begin:\n  $ knit up\n  $ knit data push -t type:raw ./mails`,
    );
  for (const option of commonOptions) program.addOption(option);
  for (const [name, { summary, operands, load }] of Object.entries(commands)) {
    const command = args.includes(name) ? await load() : new Command(name);
    if (operands !== undefined && !args.includes(name)) command.arguments(operands);
    program.addCommand(command.description(summary).copyInheritedSettings(program));
    for (const subcommand of command.commands) subcommand.copyInheritedSettings(program);
  }
  return program;
}
