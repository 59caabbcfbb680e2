import {
  annotationSet,
  Invalid,
  isUuid,
  parseDuration,
  parseImage,
  parseQuantity,
  parseTag,
  type Tag,
  userTagSet,
  visibleRunStatuses,
} from '@knitfab/core';
import { InvalidArgumentError } from 'commander';
import { parseSince } from './since.ts';

// Readers of option values, for commander: what core refuses is wrong usage, with core's reason and advice.

function checked<Value>(read: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      throw new InvalidArgumentError(error.message.replaceAll('\n', '. '));
    }
  };
}

/** Gathers the values of an option that may be given several times. */
function repeated<Value>(read: (text: string) => Value) {
  const one = checked(read);
  return (text: string, before: readonly Value[] = []): Value[] => [...before, one(text)];
}

/** `key:value`, to look for: system tags too. */
export const tags = repeated(parseTag);

/** `key:value`, to give to a Data: no system tags. */
export const userTags = repeated((text): Tag => userTagSet([parseTag(text)], 'the option')[0] as Tag);

export const texts = repeated((text) => text.trim());

/** Ids; whether they are of anything is for the server to say. */
export const ids = repeated((text): string => {
  if (!isUuid(text.trim())) throw new Invalid(`"${text}" is not an id: ids are UUIDs`);
  return text.trim().toLowerCase();
});

/** Statuses of Runs, also several with commas between. */
export const statuses = (text: string, before: readonly string[] = []): string[] => [
  ...before,
  ...checked(readStatuses)(text),
];

function readStatuses(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !visibleRunStatuses.some((status) => status === name));
  if (unknown === undefined) return names;
  throw new Invalid(`"${unknown}" is not a status; there are ${visibleRunStatuses.join(', ')}`);
}

/** `key=value` */
export const annotations = repeated((text): string => annotationSet([text])[0] as string);

/** `type=quantity` */
export const resources = (
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> => ({
  ...before,
  ...checked(readResource)(text),
});

function readResource(text: string): Record<string, string> {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(equals, 0)).trim();
  if (name === '') {
    throw new Invalid({
      reason: `"${text}" is not a resource`,
      advice: 'Write it as type=quantity, such as cpu=2.',
    });
  }
  const quantity = text.slice(equals + 1).trim();
  parseQuantity(quantity);
  return { [name]: quantity };
}

/** A time for `--since`, as RFC 3339. */
export const since = checked(parseSince);

/** A duration as Go writes it, handed on as it is. */
export const duration = checked((text): string => {
  parseDuration(text);
  return text.trim();
});

/** How many Data far a lineage goes. */
export const depth = checked((text): number | 'all' => {
  if (text === 'all') return text;
  if (!/^\d{1,9}$/.test(text)) throw new Invalid(`"${text}" is neither a number nor "all"`);
  return Number(text);
});

/** An image, with a tag or without. */
export const image = checked((text): string => {
  parseImage(text);
  return text;
});

/** `yes` or `no`, also as `true` and `false`. */
export const yesNo = checked((text): boolean => {
  const choice = { yes: true, true: true, no: false, false: false }[text];
  if (choice === undefined) throw new Invalid(`"${text}" is neither yes nor no`);
  return choice;
});

/** `yes`, `no` or `both`, also as `true` and `false`. */
export const yesNoBoth = checked((text): 'yes' | 'no' | 'both' => {
  const choice = { yes: 'yes', true: 'yes', no: 'no', false: 'no', both: 'both' }[text];
  if (choice === undefined) throw new Invalid(`"${text}" is none of yes, true, no, false, both`);
  return choice as 'yes' | 'no' | 'both';
});

/** How results are written. */
export const outputFormat = checked((text): 'table' | 'json' | 'yaml' => {
  const format = (['table', 'json', 'yaml'] as const).find((known) => known === text);
  if (format === undefined) throw new Invalid(`"${text}" is none of table, json, yaml`);
  return format;
});

/** A port of TCP; 0 means any free one. */
export const port = checked((text): number => {
  const number = Number(text);
  if (/^\d+$/.test(text) && number <= 65_535) return number;
  throw new Invalid(`"${text}" is not a port: ports are numbers from 0 to 65535`);
});

/** How many of something: at least one. */
export const count = checked((text): number => {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= 1e9) return number;
  throw new Invalid(`"${text}" is not a number of things: it has to be 1 or more`);
});
