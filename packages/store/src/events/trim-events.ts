import { sql } from 'kysely';
import type { Tx } from '../database.ts';

// Events are kept for whoever reconnects, and no longer.

/** How long, and how many at most. */
export interface EventLimits {
  readonly age: string;
  readonly count: number;
}

const defaults: EventLimits = { age: '1 hour', count: 500_000 };
const atOnce = 10_000;

/**
 * Removes the oldest events when they are older, or more, than they should be: some at a time.
 * @returns whether there is more to remove
 */
export async function trimEvents(tx: Tx, { age, count }: EventLimits = defaults): Promise<boolean> {
  // Both ends of the primary key, and one look 10,000 events on: what is kept is never counted.
  const { rows } = await sql<{ trimmed: number }>`
    with last_of_oldest as (
      select transaction, number, happened_at from (
        select transaction, number, happened_at from event order by transaction, number limit ${atOnce}) as oldest
      order by transaction desc, number desc limit 1
    ), newest as (
      select number from event order by transaction desc, number desc limit 1
    ), aged as (
      select transaction from (
        select transaction, happened_at from event order by transaction, number limit ${atOnce}) as oldest
      where happened_at < now() - ${age}::interval
      order by transaction desc limit 1
    ), bound as (
      select max(transaction) as transaction from (
        select transaction from aged
        union all
        select last_of_oldest.transaction from last_of_oldest, newest
        where newest.number - last_of_oldest.number >= ${count}::bigint) as either
    ), trimmed as (
      delete from event using bound where event.transaction <= bound.transaction returning 1
    ), noted as (
      update event_epoch
      set trimmed_to = greatest(trimmed_to, bound.transaction), written = pg_current_xact_id()
      from bound where bound.transaction is not null and event_epoch.xmin = written::xid
    )
    select count(*) as trimmed from trimmed`.execute(tx);
  return (rows[0]?.trimmed ?? 0) >= atOnce;
}
