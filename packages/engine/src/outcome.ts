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

/** The earlier of two times, either of which may be missing. */
export function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}
