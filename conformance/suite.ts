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

/** Tries all of the rows, one after the other, and takes away what was made for it. */
export async function* results(rows: readonly Row[], world: World): AsyncGenerator<Result, void> {
  try {
    for (const { name: row, checks } of rows) {
      for (const [what, check] of Object.entries(checks)) {
        try {
          await check(world);
          yield { row, what, result: 'ok' };
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          yield { row, what, result: error instanceof NotTried ? 'not tried' : 'failed', why };
        }
      }
    }
  } finally {
    await world.clean();
  }
}

/** How many there are of each result. */
export function counts(all: readonly Result[]): { ok: number; failed: number; notTried: number } {
  const count = (wanted: Result['result']) => all.filter(({ result }) => result === wanted).length;
  return { ok: count('ok'), failed: count('failed'), notTried: count('not tried') };
}
