import type { KnitId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Tx } from './database.ts';

// A single nomination may have any number of combinations: the product of all other inputs' nominations. Those of one with very
// many are made in pieces, a transaction each, as a book is read: sorted by the other inputs' Data. How far it got is kept with
// the nomination, and goes with it when it is withdrawn. That none is left out has these reasons:
//
// 1. While a nomination is in progress, no other one of its Plan is projected: what it is combined with only gets less. What
//    comes meanwhile is projected afterwards, and combined with it then.
// 2. A piece and how far it got are one transaction.
//
// That none is made twice is the unique key of `run`, as ever.

/** An input, and how many projected nominations it has. */
export interface Choice {
  inputId: number;
  count: number;
}

/** Where it got: the Data of the first few inputs; all combinations up to these have been made. */
export type Progress = readonly KnitId[];

/** The next combinations: these Data of the first few inputs, and all of the others. */
export interface Piece {
  chosen: ReadonlyMap<number, readonly KnitId[]>;
  /** About how many combinations they are. */
  size: number;
  /** Where it will have got. */
  progress: Progress;
}

/** Where all begin. */
const beforeAll = '00000000-0000-0000-0000-000000000000' as KnitId;

/**
 * The next combinations of these inputs' projected nominations, about `enough` of them: the last inputs are taken as a whole as
 * long as that is few enough, the one before by a range of Data, and those before that by single Data.
 * @returns undefined when there are none left
 */
export async function nextPiece(
  tx: Tx,
  choices: readonly Choice[],
  progress: Progress | undefined,
  enough: number,
): Promise<Piece | undefined> {
  // It stays the same to the end, since counts only get less.
  const depth = progress?.length ?? depthOf(choices, enough);
  const walked = choices.slice(0, depth).map(({ inputId }) => inputId);
  const whole = product(choices.slice(depth));
  const limit = Math.max(1, Math.floor(enough / Math.max(1, whole)));
  const singles = walked.slice(0, -1);
  let place = progress?.slice(0, -1) ?? (await firstOfEach(tx, singles));
  let after = progress?.at(-1) ?? beforeAll;
  while (place !== undefined) {
    const range = await projectedAfter(tx, walked.at(-1), after, limit);
    const last = range.at(-1);
    if (last !== undefined) {
      const data = [...place.map((knitId) => [knitId]), range];
      return {
        chosen: new Map(walked.map((inputId, index) => [inputId, data[index] ?? []])),
        size: range.length * whole,
        progress: [...place, last],
      };
    }
    place = await successor(tx, singles, place);
    after = beforeAll;
  }
  return undefined;
}

/** How many inputs are not taken as a whole: at least one. */
function depthOf(choices: readonly Choice[], enough: number): number {
  let depth = choices.length;
  while (depth > 1 && product(choices.slice(depth - 1)) <= enough) depth--;
  return depth;
}

/** How many combinations these make. */
export const product = (choices: readonly Choice[]): number =>
  choices.reduce((result, { count }) => result * count, 1);

/** The place that comes next; undefined when it was the last. */
async function successor(
  tx: Tx,
  inputIds: readonly number[],
  place: readonly KnitId[],
): Promise<KnitId[] | undefined> {
  for (let index = place.length - 1; index >= 0; index--) {
    const [next] = await projectedAfter(tx, inputIds[index], place[index], 1);
    if (next === undefined) continue;
    const rest = await firstOfEach(tx, inputIds.slice(index + 1));
    return rest && [...place.slice(0, index), next, ...rest];
  }
  return undefined;
}

/** Undefined when one has none. */
async function firstOfEach(tx: Tx, inputIds: readonly number[]): Promise<KnitId[] | undefined> {
  const result: KnitId[] = [];
  for (const inputId of inputIds) {
    const [first] = await projectedAfter(tx, inputId, beforeAll, 1);
    if (first === undefined) return undefined;
    result.push(first);
  }
  return result;
}

async function projectedAfter(
  tx: Tx,
  inputId: number | undefined,
  after: KnitId | undefined,
  limit: number,
): Promise<KnitId[]> {
  const { rows } = await sql<{ knit_id: KnitId }>`
    select knit_id from nomination
    where input_id = ${inputId} and projected and knit_id > ${after}::uuid
    order by knit_id limit ${limit}`.execute(tx);
  return rows.map((row) => row.knit_id);
}
