import { type PlanSpec, planSpec, readable } from '@knitfab/api';
import { Invalid, parseImage } from '@knitfab/core';
import { parseYaml, type YamlDocument } from '../yaml/parse.ts';
import type { YamlPlaces } from '../yaml/places.ts';
import { refusePlaceholders } from './placeholder.ts';
import { planRules } from './rules.ts';
import { readAsMeant } from './scalars.ts';
import { refuseUnknownFields } from './unknown-fields.ts';

/** Larger files are no Plans; tags of 1 MiB fit. */
const maxLength = 16 * 1024 * 1024;

export interface PlanFile {
  readonly plan: PlanSpec;
  /** What is worth a word, but stops nobody. */
  readonly warnings: readonly string[];
}

/**
 * Reads the Plans in a YAML text, one in each document, and checks them by the rules that the server has, too.
 * @param name of the text, for messages
 * @throws {Invalid} naming line and column of the first mistake
 */
export function parsePlans(source: string, name: string): PlanFile[] {
  if (source.length > maxLength) throw new Invalid(`${name} is too large to be a Plan`);
  const documents = parseYaml(source, name, readAsMeant);
  // A `---` at the start or the end of a text makes a document of nothing.
  const filled = documents.filter(({ content }) => content !== null);
  return (filled.length === 0 ? documents.slice(0, 1) : filled).map(readPlan);
}

function readPlan({ document, content, places }: YamlDocument): PlanFile {
  refusePlaceholders(document.contents, places);
  refuseUnknownFields(content, planSpec, places);
  const read = planSpec.safeParse(content);
  if (!read.success) throw places.invalid(read.error.issues[0]?.path ?? [], readable(read.error));
  for (const { path, check } of planRules(read.data)) {
    try {
      check();
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      throw places.invalid(path, error);
    }
  }
  return { plan: read.data, warnings: movingTag(read.data, places) };
}

function movingTag({ image }: PlanSpec, places: YamlPlaces): string[] {
  if (parseImage(image).repository !== image) return [];
  return [
    `${places.at(['image'])}: the image ${image} has no tag, so "latest" is used. What that means changes over time, and the lineage will not tell: name a tag.`,
  ];
}
