import { Invalid, isUuid, type PlanId, parseKnitId, parsePlanId, parseRunId } from '@knitfab/core';
import { parameter } from './query.ts';

/** Largest page: what is larger is asked for without a limit, and streamed. */
export const maxLimit = 10_000;

/** Which part of a list to answer with. */
export interface Paging<Position> {
  /** At most so many. */
  readonly limit?: number;
  /** Those that come after this place in the order of the list. */
  readonly after?: Position;
}

/** A place in a list that is ordered by the time of a Run's last change, then by id. */
export interface TimePosition<Id extends string = string> {
  readonly updatedAt: Date;
  readonly id: Id;
}

const limit = parameter((given): number => {
  const value = Number(given);
  if (!/^\d+$/.test(given) || value < 1 || value > maxLimit) {
    throw new Invalid({
      reason: `"${given}" is not a limit`,
      advice: `Write a whole number from 1 to ${maxLimit}, or leave it out for all.`,
    });
  }
  return value;
}).meta({
  description: 'At most so many; when there are more, the header `Link` names the next page (rel="next")',
  type: 'integer',
  minimum: 1,
  maximum: maxLimit,
});

/** How the places of a list are written. Opaque to clients: base64url of JSON that names the list it belongs to. */
export interface CursorFormat<Position> {
  write(position: Position): string;
  /** @throws {Invalid} when it is no cursor of this list */
  read(text: string): Position;
}

function cursorFormat<Position>(
  list: string,
  toParts: (position: Position) => readonly unknown[],
  fromParts: (parts: readonly unknown[]) => Position | undefined,
): CursorFormat<Position> {
  return {
    write: (position) => Buffer.from(JSON.stringify([list, ...toParts(position)])).toString('base64url'),
    read(text) {
      const [name, ...parts] = readJsonArray(text);
      const position = name === list ? fromParts(parts) : undefined;
      if (position === undefined) {
        throw new Invalid({
          reason: 'the cursor is none of this list',
          advice: 'Take it from the Link header of the page before, or leave it out to begin.',
        });
      }
      return position;
    },
  };
}

function readJsonArray(base64url: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

const timePosition = <Id extends string>(list: string, parseId: (text: string) => Id) =>
  cursorFormat<TimePosition<Id>>(
    list,
    ({ updatedAt, id }) => [updatedAt.getTime(), id],
    ([time, id]) => {
      if (!isTime(time) || typeof id !== 'string' || !isUuid(id)) return undefined;
      return { updatedAt: new Date(time), id: parseId(id) };
    },
  );

/** Whole milliseconds of the years that PostgreSQL's and RFC 3339's times share. */
const isTime = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Math.abs(value as number) < 62_000_000_000_000;

function pages<Position>(cursors: CursorFormat<Position>) {
  const cursor = parameter((given) => cursors.read(given)).meta({
    description: 'Where the page before ended, as its `Link` header has it',
  });
  return { cursors, parameters: { limit, cursor } };
}

// The lists, each with how it is ordered.
export const dataPages = pages(timePosition('data', parseKnitId));
export const runPages = pages(timePosition('runs', parseRunId));
export const planPages = pages(
  cursorFormat(
    'plans',
    (planId: PlanId) => [planId],
    ([id]) => (typeof id === 'string' && isUuid(id) ? parsePlanId(id) : undefined),
  ),
);

/** The paging that a query asks for. */
export const paging = <Position>(
  limit: number | undefined,
  after: Position | undefined,
): Paging<Position> => ({
  ...(limit !== undefined && { limit }),
  ...(after !== undefined && { after }),
});
