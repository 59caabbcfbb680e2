import { NotFound } from './errors.ts';
import { shorten } from './text.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A Data's identity: a UUID in lower case. */
export type KnitId = Branded<'KnitId'>;
/** A Plan's identity: a UUID in lower case. */
export type PlanId = Branded<'PlanId'>;
/** A Run's identity: a UUID in lower case. */
export type RunId = Branded<'RunId'>;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether `text` is written as a UUID, in either case. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** A malformed id is no such thing (spec page 2): 404, not 400. */
function parseId<Id extends string>(thing: string, text: string): Id {
  if (!isUuid(text)) {
    throw new NotFound({
      reason: `there is no ${thing} "${shorten(text)}": an id is a UUID, such as df5bb638-9ae8-47e4-b378-1bd6fc33157e`,
      advice: `Look the id up with \`knit ${thing.toLowerCase()} find\`.`,
    });
  }
  return text.toLowerCase() as Id;
}

/** @throws {NotFound} when `text` is no UUID */
export const parseKnitId = (text: string): KnitId => parseId('Data', text);
/** @throws {NotFound} when `text` is no UUID */
export const parsePlanId = (text: string): PlanId => parseId('Plan', text);
/** @throws {NotFound} when `text` is no UUID */
export const parseRunId = (text: string): RunId => parseId('Run', text);
