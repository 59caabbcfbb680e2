import {
  canonicalSystemTag,
  type Image,
  Invalid,
  isUuid,
  parseDuration,
  parseImage,
  parseInstant,
  parseTag,
  type RunStatus,
  shorten,
  type Tag,
  visibleRunStatuses,
} from '@knitfab/core';
import { z } from 'zod';
import { orInvalid } from '../shapes/or-invalid.ts';

/** A query parameter as query parsers hand it over: once, or several times. */
const text = z.union([z.string(), z.array(z.string())], { error: 'must be text' });

const last = (value: z.output<typeof text> | undefined): string =>
  ((Array.isArray(value) ? value.at(-1) : value) ?? '').trim();

const all = (value: z.output<typeof text> | undefined): string[] =>
  (Array.isArray(value) ? value : [value ?? '']).map((item) => item.trim()).filter((item) => item !== '');

/** A parameter that is read from its text; blank text is as good as none. Given twice, the last one counts. */
export function parameter<Output>(read: (text: string) => Output) {
  return text.optional().transform(
    orInvalid((value): Output | undefined => {
      const given = last(value);
      return given === '' ? undefined : read(given);
    }),
  );
}

/** `tag`: repeatable, all must hold. System tags come back in the spelling that the database holds. */
export const tags = text
  .optional()
  .transform(orInvalid((value): Tag[] => all(value).map((item) => canonicalSystemTag(parseTag(item)))))
  .meta({
    description: 'key:value; repeatable, all must hold',
    type: 'array',
    items: { $ref: '#/$defs/TagText' },
  });

/** Nothing has this id. */
const nilUuid = '00000000-0000-0000-0000-000000000000';

/**
 * A comma-separated list of ids: any of. Undefined when it was not asked for. A malformed id is no such thing (spec page
 * 2): an id that nothing has stands for it, so that it fits nothing.
 */
export const idList = <Id extends string>(parse: (text: string) => Id) =>
  text
    .optional()
    .transform((value): Id[] | undefined => {
      const items = all(value).flatMap(commaSeparated);
      if (items.length === 0) return undefined;
      return [...new Set(items.map((item) => parse(isUuid(item) ? item : nilUuid)))];
    })
    .meta({
      description: 'Comma-separated ids: any of',
      type: 'array',
      items: { type: 'string', format: 'uuid' },
      explode: false,
    });

/** A comma-separated list of statuses: any of. */
export const statuses = text
  .optional()
  .transform(
    orInvalid((value): RunStatus[] | undefined => {
      const items = all(value).flatMap(commaSeparated);
      return items.length === 0 ? undefined : [...new Set(items.map(readStatus))];
    }),
  )
  .meta({
    description: 'Comma-separated statuses: any of',
    type: 'array',
    items: { type: 'string', enum: visibleRunStatuses },
    explode: false,
  });

const commaSeparated = (item: string): string[] =>
  item
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function readStatus(name: string): RunStatus {
  const status = visibleRunStatuses.find((known) => known === name);
  if (status === undefined) {
    throw new Invalid({
      reason: `"${shorten(name)}" is not a status of a Run`,
      advice: `Name some of ${visibleRunStatuses.join(', ')}.`,
    });
  }
  return status;
}

/** `true` or `false`; undefined when it was not asked for. */
export const flag = parameter((given): boolean => {
  if (given !== 'true' && given !== 'false') {
    throw new Invalid({
      reason: `"${shorten(given)}" is neither true nor false`,
      advice: 'Write true or false.',
    });
  }
  return given === 'true';
}).meta({ enum: ['true', 'false'], description: 'Only those that are so' });

/** Whether only to say what would be done. */
export const dryRun = flag.meta({ description: 'Change nothing: only say what would happen' });

/** Whether a parameter is there at all, whatever its value. */
export const presence = text.optional().transform((value): boolean => value !== undefined);

/** `repository[:tag]`: without a tag, any tag fits. */
export const imagePattern = parameter((given): { repository: string; tag?: string } => {
  const image: Image = parseImage(given);
  return image.repository === given ? { repository: given } : image;
}).meta({ description: 'repository[:tag]' });

const time = parameter((given) =>
  // "+" that was not escaped in the URL has become a space.
  parseInstant(given.replace(/ (\d\d:\d\d)$/, '+$1')),
).meta({ description: 'RFC 3339', format: 'date-time' });

const duration = parameter(parseDuration).meta({
  description: 'As Go writes durations: 300ms, 1.5h, 2h45m; needs since',
});

/** The parameters of a half-open interval of time. */
export const intervalParameters = { since: time, duration };

/** The half-open interval [since, until). */
export interface Interval {
  readonly since?: Date;
  readonly until?: Date;
}

/**
 * Makes an interval of `since` and `duration`. Its ends are rounded up to milliseconds, which is exact for the times
 * that are compared with them: they have no finer part.
 * @throws {Invalid} for a duration without since
 */
export function interval({
  since,
  duration,
}: {
  since?: z.output<typeof time>;
  duration?: number | undefined;
}): Interval {
  if (since === undefined) {
    if (duration === undefined) return {};
    throw new Invalid({
      reason: 'duration is given without since',
      advice: 'Say since when: since=2024-03-06T09:25:16%2B00:00&duration=24h.',
    });
  }
  const start = new Date(since.milliseconds + (since.nanoseconds > 0 ? 1 : 0));
  if (duration === undefined) return { since: start };
  const nanoseconds = since.nanoseconds + Math.round((duration % 1) * 1_000_000);
  const until = new Date(since.milliseconds + Math.floor(duration) + Math.ceil(nanoseconds / 1_000_000));
  return { since: start, until };
}
