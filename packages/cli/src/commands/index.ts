import type { Command } from 'commander';

/** A word of the command line, and the module behind it, which is loaded only when the word is used. */
interface Entry {
  readonly summary: string;
  readonly operands?: string;
  readonly load: () => Promise<Command>;
}

/** The commands, in the order of the help. */
export const commands: Readonly<Record<string, Entry>> = {
  up: {
    summary: 'start Knitfab on this machine: server, engine and database in one',
    load: async () => (await import('./up.ts')).up,
  },
  init: {
    summary: 'make a Knitfab server the one of this directory',
    operands: '<KNITPROFILE_FILE>',
    load: async () => (await import('./init.ts')).init,
  },
  data: {
    summary: 'push, pull, find, tag and trace Data',
    load: async () => (await import('./data/index.ts')).data,
  },
  plan: {
    summary: 'register, find and change Plans',
    load: async () => (await import('./plan/index.ts')).plan,
  },
  run: {
    summary: 'find, watch, stop and retry Runs',
    load: async () => (await import('./run/index.ts')).run,
  },
  version: {
    summary: 'print the version of this command',
    load: async () => (await import('./version.ts')).version,
  },
  license: {
    summary: 'print the license',
    load: async () => (await import('./license.ts')).license,
  },
};

export const commandNames: readonly string[] = [...Object.keys(commands), 'help'];

/** Options that take a value and go with every command. */
export const commonOptions: readonly string[] = ['--profile', '--profile-store', '--env', '--output'];
