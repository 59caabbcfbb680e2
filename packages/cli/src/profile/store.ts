import { randomBytes } from 'node:crypto';
import { mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Invalid } from '@knitfab/core';
import { checkedProfile, type Profile } from './profile.ts';
import { readYaml } from './read-yaml.ts';

/** Where profiles are kept when nobody says otherwise. */
export const defaultProfileStore = (): string => join(homedir(), '.knit', 'profile');

const advice =
  'Mend the file; or move it away, and store the profiles again with `knit init KNITPROFILE_FILE`.';

interface Store {
  readonly profiles: Readonly<Record<string, unknown>>;
  /** Where a profile stands: `FILE:LINE:COLUMN`. */
  placeOf(name: string): string;
}

async function readStore(file: string): Promise<Store> {
  const empty: Store = { profiles: {}, placeOf: () => file };
  const document = await readYaml(file, advice).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (document === undefined || document.content === null) return empty;
  const { content, places } = document;
  if (typeof content === 'object' && !Array.isArray(content)) {
    return { profiles: content as Record<string, unknown>, placeOf: (name) => places.atKey([name]) };
  }
  throw new Invalid({
    reason: `${places.at([])}: this is no profile store`,
    advice: `It has to be YAML such as: NAME: {apiRoot: https://knitfab.example.com:30803/api}\n${advice}`,
  });
}

/**
 * The profile of that name; undefined when the store has none, or does not exist.
 * @throws {Invalid} when the store or the profile can't be understood
 */
export async function storedProfile(store: string, name: string): Promise<Profile | undefined> {
  const { profiles, placeOf } = await readStore(store);
  return Object.hasOwn(profiles, name)
    ? checkedProfile(profiles[name], `${placeOf(name)}: the profile ${JSON.stringify(name)}`)
    : undefined;
}

/** Names of all profiles in the store. */
export const storedProfileNames = async (store: string): Promise<string[]> =>
  Object.keys((await readStore(store)).profiles);

/** Puts a profile into the store, readable for its owner alone, and all or nothing of it. */
export async function storeProfile(store: string, name: string, profile: Profile): Promise<void> {
  const profiles = { ...(await readStore(store)).profiles, [name]: profile };
  const { stringify } = await import('yaml');
  await mkdir(dirname(store), { recursive: true, mode: 0o700 });
  // A store that is a link to elsewhere stays one.
  const file = await realpath(store).catch(() => store);
  await writeWhole(file, stringify(profiles, { lineWidth: 0 }));
}

/** Writes a file that only its owner may read: either the new content is there, or the old one. */
export async function writeWhole(file: string, content: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
