import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Invalid, NotFound } from '@knitfab/core';
import { nearestFile } from './nearest-file.ts';
import type { Profile } from './profile.ts';
import { localName, type RunningServer, runningServers } from './running-servers.ts';
import { defaultProfileStore, storedProfile, storedProfileNames } from './store.ts';

/** What the command line and the environment say about the server to talk to. */
export interface ProfileOptions {
  readonly profile?: string;
  readonly profileStore?: string;
}

export interface ChosenProfile extends Profile {
  readonly name: string;
}

/** The file that names the profile of a directory and of all below it. */
export const profileNameFile = '.knitprofile';

/**
 * The name of the profile that holds here: the option, else the first line of the nearest `.knitprofile`, else the
 * directory's own path (spec page 3).
 */
export async function profileName({ profile }: ProfileOptions, directory: string): Promise<string> {
  if (profile !== undefined) return profile;
  const file = nearestFile(profileNameFile, directory);
  return file === undefined ? directory : await readName(file);
}

/** The name in a directory's own `.knitprofile`, not in one above it. */
export async function ownProfileName(directory: string): Promise<string | undefined> {
  const file = join(directory, profileNameFile);
  return nearestFile(profileNameFile, directory) === file ? await readName(file) : undefined;
}

async function readName(file: string): Promise<string> {
  const name = (await readFile(file, 'utf8')).split('\n')[0]?.trim() ?? '';
  if (name === '') {
    throw new Invalid({
      reason: `${file} is empty`,
      advice: 'Its first line has to be the name of a profile.',
    });
  }
  return name;
}

/**
 * The server to talk to. One that `knit up` runs is used where nothing else is named, and can be named `local`, or
 * `local:PORT` when there are several.
 * @throws {NotFound} when there is none; {Invalid} when it is not clear which
 */
export async function chooseProfile(options: ProfileOptions, directory: string): Promise<ChosenProfile> {
  const name = await profileName(options, directory);
  const store = options.profileStore ?? defaultProfileStore();
  const stored = await storedProfile(store, name);
  if (stored !== undefined) return { name, ...stored };
  if (name === directory || name === 'local') return onlyOne(await runningServers(), directory);
  const local = (await runningServers()).find((server) => localName(server) === name);
  if (local !== undefined) return { name, apiRoot: local.apiRoot };
  throw await noSuchProfile(name, store);
}

function onlyOne(servers: readonly RunningServer[], directory: string): ChosenProfile {
  const [server, ...others] = servers;
  if (server === undefined) {
    throw new NotFound({
      reason: `no Knitfab server is known for ${directory}, and you run none on this machine`,
      advice:
        'Start one with `knit up`, or name one (of another user too): `knit init KNITPROFILE_FILE`, once, or --profile NAME.',
    });
  }
  if (others.length === 0) return { name: localName(server), apiRoot: server.apiRoot };
  const list = servers.map((each) => `${localName(each)}  ${each.apiRoot}, data in ${each.dataDir}`);
  throw new Invalid({
    reason: `${servers.length} Knitfab servers run on this machine, and nothing says which one is meant`,
    advice: `${list.join('\n')}\nChoose one with --profile ${localName(server)}, or for a directory: echo ${localName(server)} > ${profileNameFile}`,
  });
}

async function noSuchProfile(name: string, store: string): Promise<NotFound> {
  const names = await storedProfileNames(store);
  const known = names.length === 0 ? 'The store is empty' : `It holds ${names.join(', ')}`;
  const local = name.startsWith('local') ? ` No server that \`knit up\` runs is called ${name} now.` : '';
  return new NotFound({
    reason: `there is no profile "${name}" in ${store}`,
    advice: `${known}.${local} Store one with \`knit init --profile ${name} KNITPROFILE_FILE\`.`,
  });
}
