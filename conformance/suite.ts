import { NotTried } from './expect.ts';
import type { Row } from './row.ts';
import type { World } from './world.ts';

export interface Result {
  readonly row: string;
  readonly what: string;
  readonly result: 'ok' | 'failed' | 'not tried';
  /** Why it failed or was not tried. */
  readonly why?: string;
}

/**
 * Tries all of the rows, a few at once, each in a world of its own that is taken away after it. Results come row by row.
 * @param open makes the world of a row
 */
export async function* results(
  rows: readonly Row[],
  open: () => World,
  { atOnce = 1 }: { atOnce?: number } = {},
): AsyncGenerator<Result, void> {
  const tried = rows.map(() => Promise.withResolvers<Result[]>());
  const waiting = [...rows.entries()];
  const work = async () => {
    for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
      const [index, row] = each;
      await rowResults(row, open()).then(tried[index]?.resolve, tried[index]?.reject);
    }
  };
  const working = Array.from({ length: atOnce }, work);
  try {
    for (const { promise } of tried) yield* await promise;
  } finally {
    waiting.length = 0;
    await Promise.all(working);
  }
}

async function rowResults({ name: row, checks }: Row, world: World): Promise<Result[]> {
  const all: Result[] = [];
  try {
    for (const [what, check] of Object.entries(checks)) {
      try {
        await check(world);
        all.push({ row, what, result: 'ok' });
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        all.push({ row, what, result: error instanceof NotTried ? 'not tried' : 'failed', why });
      }
    }
  } finally {
    await world.clean();
  }
  return all;
}

/** How many there are of each result. */
export function counts(all: readonly Result[]): { ok: number; failed: number; notTried: number } {
  const count = (wanted: Result['result']) => all.filter(({ result }) => result === wanted).length;
  return { ok: count('ok'), failed: count('failed'), notTried: count('not tried') };
}
