import { checkedResources, Invalid, parseTag, type Tag, userTagSet } from '@knitfab/core';
import { nearestWord } from '../plan-file/nearest-word.ts';
import type { YamlPlaces } from '../yaml/places.ts';
import { nearestFile } from './nearest-file.ts';
import { readYaml } from './read-yaml.ts';

/** Defaults of a project: tags for every pushed Data and template, resources for templates (spec page 3). */
export interface KnitEnv {
  readonly tags: readonly Tag[];
  readonly resources: Readonly<Record<string, string>>;
}

const fields = ['tag', 'resource'];
const advice = 'A knitenv is YAML such as:\n  tag: ["project:spam"]\n  resource: {cpu: 1, memory: 1Gi}';

/**
 * Reads the defaults from a file that is named, or from the nearest `knitenv`; without one there are none.
 * @throws {Invalid} naming line and column of what can't be understood
 */
export async function readKnitEnv(named: string | undefined, directory: string): Promise<KnitEnv> {
  const file = named ?? nearestFile('knitenv', directory);
  if (file === undefined) return { tags: [], resources: {} };
  const { content, places } = await readYaml(file, advice);
  if (content === null) return { tags: [], resources: {} };
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw places.invalid([], new Invalid({ reason: 'this is no knitenv', advice }));
  }
  refuseUnknownFields(content, places);
  const { tag, resource } = content as { tag?: unknown; resource?: unknown };
  return { tags: readTags(tag ?? [], places), resources: readResources(resource ?? {}, places) };
}

/** Tags that nobody gets are found missing only later, so a misspelt field is refused. */
function refuseUnknownFields(content: object, places: YamlPlaces): void {
  for (const field of Object.keys(content).filter((name) => !fields.includes(name))) {
    const near = nearestWord(field, fields);
    const problem = {
      reason: `the field ${JSON.stringify(field)} means nothing here`,
      advice: near === undefined ? advice : `Did you mean "${near}"?`,
    };
    throw places.invalidKey([field], new Invalid(problem));
  }
}

function readTags(value: unknown, places: YamlPlaces): Tag[] {
  if (!Array.isArray(value)) {
    const problem = {
      reason: '"tag" is not a list of tags',
      advice: 'Write it as: tag: ["project:spam", "owner:alice"]',
    };
    throw places.invalid(['tag'], new Invalid(problem));
  }
  const tags = value.map((item, index) => checked(['tag', index], places, () => readTag(item)));
  return checked(['tag'], places, () => userTagSet(tags, '"tag"'));
}

function readTag(item: unknown): Tag {
  if (typeof item !== 'string') {
    throw new Invalid({
      reason: 'this is not a tag',
      advice: 'Write it as text, "key:value": in YAML "key: value" with a space is none.',
    });
  }
  return userTagSet([parseTag(item)], '"tag"')[0] as Tag;
}

function readResources(value: unknown, places: YamlPlaces): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const problem = {
      reason: '"resource" is not a list of amounts',
      advice: 'Write it as: resource: {cpu: 1, memory: 1Gi}',
    };
    throw places.invalid(['resource'], new Invalid(problem));
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, amount]) => {
      checked(['resource', name], places, () => checkedResources({ [name]: String(amount) }));
      return [name, String(amount)];
    }),
  );
}

/** What is wrong with a part is said with its place. */
function checked<Result>(path: readonly PropertyKey[], places: YamlPlaces, check: () => Result): Result {
  try {
    return check();
  } catch (error) {
    throw error instanceof Invalid ? places.invalid(path, error) : error;
  }
}
