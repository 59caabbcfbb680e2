import { checkedResources, Invalid, parseTag, type Tag, userTagSet } from '@knitfab/core';
import { nearestFile } from './nearest-file.ts';
import { readYaml } from './read-yaml.ts';

/** Defaults of a project: tags for every pushed Data and template, resources for templates (spec page 3). */
export interface KnitEnv {
  readonly tags: readonly Tag[];
  readonly resources: Readonly<Record<string, string>>;
}

/**
 * Reads the defaults from a file that is named, or from the nearest `knitenv`; without one there are none.
 * @throws {Invalid} when the file can't be understood
 */
export async function readKnitEnv(named: string | undefined, directory: string): Promise<KnitEnv> {
  const file = named ?? nearestFile('knitenv', directory);
  if (file === undefined) return { tags: [], resources: {} };
  const content = (await readYaml(file)) ?? {};
  const { tag, resource } = content as { tag?: unknown; resource?: unknown };
  try {
    return { tags: readTags(tag ?? []), resources: readResources(resource ?? {}) };
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    throw new Invalid({
      reason: `${file}: ${error.reason}`,
      ...(error.advice !== undefined && { advice: error.advice }),
    });
  }
}

function readTags(value: unknown): Tag[] {
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) {
    throw new Invalid({
      reason: '"tag" is not a list of tags',
      advice: 'Write it as: tag: ["project:spam", "owner:alice"]',
    });
  }
  return userTagSet(value.map(parseTag), '"tag"');
}

function readResources(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Invalid({
      reason: '"resource" is not a list of amounts',
      advice: 'Write it as: resource: {cpu: 1, memory: 1Gi}',
    });
  }
  const amounts = Object.fromEntries(Object.entries(value).map(([name, amount]) => [name, String(amount)]));
  checkedResources(amounts);
  return amounts;
}
