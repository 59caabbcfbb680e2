import { visibleRunStatuses } from '@knitfab/core';
import type { Argument, Command, Option } from 'commander';
import { commandNames } from '../commands/index.ts';
import { localName, runningServers } from '../profile/running-servers.ts';
import { defaultProfileStore, storedProfileNames } from '../profile/store.ts';
import { createProgram } from '../program.ts';
import { programsOnPath } from '../programs-on-path.ts';
import { type Candidate, candidateLine } from './candidate.ts';
import { fromServer, images, knitIds, planIds, runIds, tags } from './from-server.ts';
import { optionsOf, type Place, placeOf } from './place.ts';

type Kind = 'words' | 'files' | 'directories';
type Source = (place: Place) => Promise<Kind | Candidate[]>;

/** What may stand where the help shows one of these names. */
const sources: Readonly<Record<string, Source>> = {
  KNIT_ID: (place) => fromServer(profileOptions(place), knitIds),
  PLAN_ID: (place) => fromServer(profileOptions(place), planIds),
  RUN_ID: (place) => fromServer(profileOptions(place), runIds),
  'KEY:VALUE': (place) => fromServer(profileOptions(place), tags),
  'IMAGE[:TAG]': (place) => fromServer(profileOptions(place), images),
  STATUS: async (place) => statusList(place),
  NAME: async (place) => (place.wanted?.name() === 'profile' ? await profileNames(place) : []),
  COMMAND: async ({ command }) => (command.parent ? subcommands(command.parent) : []),
  FILE: async () => 'files',
  KNITPROFILE_FILE: async () => 'files',
  SOURCE: async () => 'directories',
  DEST: async () => 'directories',
  DIR: async () => 'directories',
};

/**
 * Writes to stdout what can stand for the last of these words. Nothing that goes wrong is ever said: it would be written
 * into the line that somebody is typing.
 * @param words what follows `knit` on the command line, up to the cursor
 */
export async function complete(words: readonly string[]): Promise<void> {
  process.stdout.write(await answer(words).catch(() => ''));
}

async function answer(words: readonly string[]): Promise<string> {
  const place = placeOf(await createProgram(words, { all: false }), words);
  const found = await wordsFor(place);
  return typeof found === 'string' ? `${found}\n` : ['words', ...lines(found, place), ''].join('\n');
}

function lines(candidates: readonly Candidate[], { before, typed }: Place): string[] {
  return candidates
    .map(({ value, ...rest }) => ({ value: before + value, ...rest }))
    .filter(({ value }) => value.startsWith(before + typed))
    .flatMap((candidate) => candidateLine(candidate) ?? []);
}

async function wordsFor(place: Place): Promise<Kind | Candidate[]> {
  const { command, wanted, operands, typed, mayBeFlag } = place;
  if (mayBeFlag && typed.startsWith('-')) return flags(command, typed);
  if (command.commands.length > 0 && wanted === undefined) {
    // A word that is no command has none below it.
    if (operands > 0) return [];
    return [...subcommands(command), ...(command.parent === null ? await extensions() : [])];
  }
  if (wanted === undefined) return [];
  const found = await values(wanted, place);
  // A value is no flag, whatever the server says.
  return typeof found === 'string' ? found : found.filter(({ value }) => !value.startsWith('-'));
}

async function values(wanted: Option | Argument, place: Place): Promise<Kind | Candidate[]> {
  if (wanted.argChoices !== undefined) return wanted.argChoices.map((value) => ({ value }));
  const name = placeholder(wanted);
  const source = sources[name];
  if (source !== undefined) return await source(place);
  // `yes|no|both`, or `N|all`: what is written small is meant as it stands.
  const literals = name.split('|').filter((part) => /^[a-z]+$/.test(part));
  return name.includes('|') ? literals.map((value) => ({ value })) : [];
}

/** The name by which the help calls a value: `<KNIT_ID>`. */
const placeholder = (wanted: Option | Argument): string =>
  'flags' in wanted ? (/<(.+)>$/.exec(wanted.flags)?.[1] ?? '') : wanted.name();

const subcommands = (command: Command): Candidate[] =>
  command.commands.map((each) => ({ value: each.name(), description: each.description() }));

const extensions = async (): Promise<Candidate[]> =>
  [...(await programsOnPath()).keys()]
    .filter((name) => !commandNames.includes(name))
    .map((value) => ({ value, description: 'an extension' }));

function flags(command: Command, typed: string): Candidate[] {
  const isProgram = command.parent === null;
  const all = optionsOf(command).filter(({ long, hidden }) => !hidden && (isProgram || long !== '--version'));
  const help = { long: '--help', short: '-h', description: 'display help for command' };
  return [...all, help].flatMap(({ long, short, description }) =>
    [long, typed.startsWith('--') ? undefined : short].flatMap((value) =>
      value ? { value, description } : [],
    ),
  );
}

/** Statuses; several are given with commas between. */
function statusList({ typed }: Place): Candidate[] {
  const before = typed.slice(0, typed.lastIndexOf(',') + 1);
  return visibleRunStatuses.map((status) => ({ value: before + status }));
}

async function profileNames(place: Place): Promise<Candidate[]> {
  const { profileStore = defaultProfileStore() } = profileOptions(place);
  const [stored, running] = await Promise.all([storedProfileNames(profileStore), runningServers()]);
  return [
    ...stored.map((value) => ({ value })),
    ...running.map((server) => ({ value: localName(server), description: server.dataDir })),
  ];
}

function profileOptions({ given }: Place): { profile?: string; profileStore?: string } {
  const profile = given.get('--profile') ?? process.env.KNIT_PROFILE;
  const profileStore = given.get('--profile-store') ?? process.env.KNIT_PROFILE_STORE;
  return { ...(profile && { profile }), ...(profileStore && { profileStore }) };
}
