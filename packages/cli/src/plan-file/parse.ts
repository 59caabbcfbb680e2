import { type PlanSpec, planSpec, readable } from '@knitfab/api';
import { Invalid, parseImage } from '@knitfab/core';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { PlanPlaces } from './places.ts';
import { planRules } from './rules.ts';
import { unknownFields } from './unknown-fields.ts';

/** Larger files are no Plans; tags of 1 MiB fit. */
const maxLength = 16 * 1024 * 1024;
/** How often aliases are followed: a few kilobytes of YAML must not become gigabytes. */
const maxAliases = 100;

export interface PlanFile {
  readonly plan: PlanSpec;
  /** What is worth a word, but stops nobody. */
  readonly warnings: readonly string[];
}

/**
 * Reads a Plan from YAML text and checks it by the rules that the server has, too.
 * @param name of the text, for messages
 * @throws {Invalid} naming line and column of the first mistake
 */
export function parsePlan(source: string, name: string): PlanFile {
  if (source.length > maxLength) throw new Invalid(`${name} is too large to be a Plan`);
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const places = new PlanPlaces(document, lines, name);
  const mistake = document.errors[0];
  if (mistake) throw places.invalidAt(mistake.pos[0], new Invalid(`it is not YAML: ${mistake.message}`));
  const content = expanded(document, name);
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
  return { plan: read.data, warnings: [...unknownFields(content, places), ...movingTag(read.data, places)] };
}

function expanded(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error; // what the library throws for too many aliases, or unknown ones
    throw new Invalid({
      reason: `${name} uses YAML aliases in a way that no Plan needs: ${error.message}`,
      advice: 'Write out what they stand for.',
    });
  }
}

function movingTag({ image }: PlanSpec, places: PlanPlaces): string[] {
  if (parseImage(image).repository !== image) return [];
  return [
    `${places.at(['image'])}: the image ${image} has no tag, so "latest" is used. What that means changes over time, and the lineage will not tell: name a tag.`,
  ];
}
