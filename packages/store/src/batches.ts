import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './database.ts';

/** A part of a list that is in some order. */
export interface Paging<Position> {
  /** At most so many. */
  limit?: number;
  /** Those that come after this place. */
  after?: Position;
}

/** A place in a list that is ordered by the time of a Run's last change, then by id. */
export interface TimePosition<Id> {
  updatedAt: Date;
  id: Id;
}

/** How many rows are in memory at a time. */
const batchSize = 500;

/**
 * The ids that a query answers with, a batch at a time, so that an answer of any length takes little memory. All are of the
 * transaction's snapshot; nothing else may open batches in the same transaction until these are over.
 */
export async function* inBatches<Id>(tx: Tx, query: RawBuilder<{ id: Id }>): AsyncGenerator<Id[], void> {
  await sql`declare found no scroll cursor for ${query}`.execute(tx);
  for (;;) {
    const { rows } = await sql<{ id: Id }>`fetch ${sql.lit(batchSize)} from found`.execute(tx);
    if (rows.length > 0) yield rows.map((row) => row.id);
    if (rows.length < batchSize) return;
  }
}
