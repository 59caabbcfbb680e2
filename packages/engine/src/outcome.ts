import type { RunStatus } from '@knitfab/core';
import { nextRunDue, type Tx } from '@knitfab/store';
import type { Step } from './loop.ts';

/** What came of doing something for one row of several. */
export type Outcome<Row> = { row: Row; error?: undefined } | { row: Row; error: Error };

/** Does something for all rows side by side; one that fails does not hold up the others. */
export async function sideBySide<Row>(
  rows: readonly Row[],
  work: (row: Row) => Promise<void>,
): Promise<Outcome<Row>[]> {
  return await Promise.all(
    rows.map(async (row) => {
      try {
        await work(row);
        return { row };
      } catch (error) {
        return { row, error: error instanceof Error ? error : new Error(String(error)) };
      }
    }),
  );
}

/** How many came to their end, and how many did not. */
export function counts(outcomes: readonly Outcome<unknown>[]): { done: number; failed: number } {
  const failed = outcomes.filter(({ error }) => error !== undefined).length;
  return { done: outcomes.length - failed, failed };
}

/**
 * What a step comes to that found no Run to claim: there may be some that are backing off, or that somebody else has at the
 * moment and may leave as they are.
 */
export async function idleStep(
  tx: Tx,
  of: { statuses: readonly RunStatus[]; stopped?: boolean },
): Promise<Step> {
  const nextAt = await nextRunDue(tx, of);
  return { more: false, ...(nextAt && { nextAt }) };
}
