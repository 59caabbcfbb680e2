import { Invalid } from '@knitfab/core';
import { Document, LineCounter, parseAllDocuments, visit, type YAMLError } from 'yaml';
import { YamlPlaces } from './places.ts';

/** How often aliases are followed: a few kilobytes of YAML must not become gigabytes. */
const maxAliases = 100;

/** A document in a YAML text. */
export interface YamlDocument {
  /** What it says, as plain values. */
  readonly content: unknown;
  readonly document: Document;
  readonly places: YamlPlaces;
}

/**
 * Reads YAML 1.2, and merge keys (`<<`) with it; several documents may stand behind each other.
 * @param name of the text, for messages
 * @param prepare may change how a document's words are read, before they become values
 * @returns at least one document: nothing is a document of nothing
 * @throws {Invalid} naming line and column of the first mistake
 */
export function parseYaml(
  source: string,
  name: string,
  prepare: (document: Document) => void = () => {},
): YamlDocument[] {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, logLevel: 'error', merge: true } as const;
  const parsed = parseAllDocuments(source, options);
  const documents = parsed.length === 0 ? [new Document(null)] : [...parsed];
  return documents.map((document) => {
    const places = new YamlPlaces(document, lines, name);
    const mistake = document.errors[0];
    if (mistake) throw places.invalidAt(mistake.pos[0], notYaml(mistake));
    prepare(document);
    return { document, places, content: expanded(document, places, name) };
  });
}

function notYaml({ code, message }: YAMLError): Invalid {
  if (code === 'TAB_AS_INDENT') {
    return new Invalid({ reason: 'it is not YAML: a tab is used to indent', advice: 'Use spaces.' });
  }
  if (code === 'DUPLICATE_KEY') {
    return new Invalid({ reason: 'the field is there twice', advice: 'Keep one of the two.' });
  }
  if (message.includes('call stack')) return new Invalid('this is nested too deeply');
  return new Invalid(`it is not YAML: ${message}`);
}

function expanded(document: Document, places: YamlPlaces, name: string): unknown {
  refuseUnknownAliases(document, places);
  try {
    return document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    throw new Invalid({
      reason: `${name} uses aliases or merge keys of YAML in a way that nobody needs: ${(error as Error).message}`,
      advice: 'Write out what they stand for.',
      cause: error,
    });
  }
}

function refuseUnknownAliases(document: Document, places: YamlPlaces): void {
  const anchors = new Set<string>();
  visit(document, {
    Value: (_, { anchor }) => {
      if (anchor !== undefined) anchors.add(anchor);
    },
    Alias: (_, { source, range }) => {
      if (anchors.has(source)) return;
      throw places.invalidAt(range?.[0] ?? 0, new Invalid(`there is no anchor &${source} before this alias`));
    },
  });
}
