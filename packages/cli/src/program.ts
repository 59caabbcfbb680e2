import { Command, Option } from 'commander';
import { extensionsHelp } from './extension.ts';

/** A word of the command line that a module stands behind, which is loaded only when the word is used. */
interface Entry {
  readonly summary: string;
  readonly arguments?: string;
  readonly load: () => Promise<Command>;
}

const entries: Readonly<Record<string, Entry>> = {
  up: {
    summary: 'start Knitfab on this machine: server, engine and database in one',
    load: async () => (await import('./commands/up.ts')).up,
  },
  init: {
    summary: 'make a Knitfab server the one of this directory',
    arguments: '<KNITPROFILE_FILE>',
    load: async () => (await import('./commands/init.ts')).init,
  },
  data: {
    summary: 'push, pull, find, tag and trace Data',
    load: async () => (await import('./commands/data/index.ts')).data,
  },
  plan: {
    summary: 'register, find and change Plans',
    load: async () => (await import('./commands/plan/index.ts')).plan,
  },
  run: {
    summary: 'find, watch, stop and retry Runs',
    load: async () => (await import('./commands/run/index.ts')).run,
  },
  version: {
    summary: 'print the version of this command',
    load: async () => (await import('./commands/version.ts')).version,
  },
  license: {
    summary: 'print the license',
    load: async () => (await import('./commands/license.ts')).license,
  },
};

export const commandNames: readonly string[] = [...Object.keys(entries), 'help'];

/** Options that take a value and go with every command. */
export const commonOptions = ['--profile', '--profile-store', '--env', '--output'] as const;

/**
 * Makes the program with those of its commands whose words occur on the command line; the others are there by name only,
 * for help and for suggestions.
 */
export async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('knit')
    .description('Knitfab: pipelines that are started by tagged Data, with their lineage')
    .usage('[options] COMMAND')
    .addOption(
      new Option('--profile <NAME>', 'server to talk to, by its name in the profile store').env('KNIT_PROFILE'),
    )
    .addOption(
      new Option('--profile-store <FILE>', 'profile store (default: ~/.knit/profile)').env('KNIT_PROFILE_STORE'),
    )
    .addOption(
      new Option('--env <FILE>', 'defaults for tags and resources (default: the nearest knitenv, upwards)').env(
        'KNIT_ENV',
      ),
    )
    .addOption(
      new Option('--output <FORMAT>', 'how results are written (default: a table on a terminal, else json)').choices([
        'table',
        'json',
        'yaml',
      ]),
    )
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help for the usage and an example)')
    .addHelpText('after', () => `${extensionsHelp()}\nTo begin:\n  $ knit up\n  $ knit data push -t type:raw ./mails`);
  for (const [name, { summary, arguments: operands, load }] of Object.entries(entries)) {
    const command = args.includes(name) ? await load() : new Command(name).arguments(operands ?? '');
    adopt(program, command.description(summary));
  }
  return program;
}

/** Hands the program's settings down to a command and its subcommands. */
function adopt(parent: Command, command: Command): void {
  parent.addCommand(command.copyInheritedSettings(parent));
  for (const subcommand of command.commands) subcommand.copyInheritedSettings(command);
}
