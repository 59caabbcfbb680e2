import type { Command } from 'commander';

/** A word of the command line, and the module behind it, which is loaded only when the word is used. */
interface Entry {
  readonly group: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** The commands, in the order of the help. */
export const commands: Readonly<Record<string, Entry>> = {
  up: {
    group: 'Begin:',
    summary: 'start Knitfab on this machine: server, engine and database in one',
    load: async () => (await import('./up.ts')).up,
  },
  init: {
    group: 'Begin:',
    summary: 'make a Knitfab server the one of this directory',
    load: async () => (await import('./init.ts')).init,
  },
  data: {
    group: 'Data:',
    summary: 'push, pull, find, tag and trace Data',
    load: async () => (await import('./data/index.ts')).data,
  },
  plan: {
    group: 'Plans:',
    summary: 'register, find and change Plans',
    load: async () => (await import('./plan/index.ts')).plan,
  },
  run: {
    group: 'Runs:',
    summary: 'find, watch, stop and retry Runs',
    load: async () => (await import('./run/index.ts')).run,
  },
  pause: {
    group: 'The whole system:',
    summary: 'start no more Runs for now',
    load: async () => (await import('./pause.ts')).pause,
  },
  resume: {
    group: 'The whole system:',
    summary: 'start Runs again',
    load: async () => (await import('./resume.ts')).resume,
  },
  limits: {
    group: 'The whole system:',
    summary: 'show or change how many Runs may be under way',
    load: async () => (await import('./limits.ts')).limits,
  },
  doctor: {
    group: 'The whole system:',
    summary: 'check that database, volumes and workers agree',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  completion: {
    group: 'About knit:',
    summary: 'print what makes a shell complete the words of this command',
    load: async () => (await import('./completion.ts')).completion,
  },
  version: {
    group: 'About knit:',
    summary: 'print the version of this command',
    load: async () => (await import('./version.ts')).version,
  },
  license: {
    group: 'About knit:',
    summary: 'print the license',
    load: async () => (await import('./license.ts')).license,
  },
};

export const commandNames: readonly string[] = [...Object.keys(commands), 'help'];

/** Options that take a value and go with every command. */
export const commonOptions: readonly string[] = ['--profile', '--profile-store', '--env', '--output'];
