import { randomBytes } from 'node:crypto';
import { mkdir, open, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Invalid } from '@knitfab/core';
import { checkedProfile, type Profile } from './profile.ts';
import { readYaml } from './read-yaml.ts';

/** Where profiles are kept when nobody says otherwise. */
export const defaultProfileStore = (): string => join(homedir(), '.knit', 'profile');

async function readStore(file: string): Promise<Record<string, unknown>> {
  const content = await readYaml(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (content === null || content === undefined) return {};
  if (typeof content === 'object' && !Array.isArray(content)) return content as Record<string, unknown>;
  throw new Invalid({
    reason: `${file} is not a profile store`,
    advice: 'It has to be YAML such as: NAME: {apiRoot: https://knitfab.example.com:30803/api}',
  });
}

/**
 * The profile of that name; undefined when the store has none, or does not exist.
 * @throws {Invalid} when the store or the profile can't be understood
 */
export async function storedProfile(store: string, name: string): Promise<Profile | undefined> {
  const profiles = await readStore(store);
  return Object.hasOwn(profiles, name)
    ? checkedProfile(profiles[name], `the profile "${name}" in ${store}`)
    : undefined;
}

/** Names of all profiles in the store. */
export const storedProfileNames = async (store: string): Promise<string[]> =>
  Object.keys(await readStore(store));

/** Puts a profile into the store, readable for its owner alone, and all or nothing of it. */
export async function storeProfile(store: string, name: string, profile: Profile): Promise<void> {
  const profiles = { ...(await readStore(store)), [name]: profile };
  const { stringify } = await import('yaml');
  await mkdir(dirname(store), { recursive: true, mode: 0o700 });
  await writeWhole(store, stringify(profiles, { lineWidth: 0 }));
}

/** Writes a file that only its owner may read: either the new content is there, or the old one. */
export async function writeWhole(file: string, content: string): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
