import { type RawBuilder, sql } from 'kysely';

// The writers' side of events: parts of the statements that change Runs and Data, so that a change and the event that tells of
// it are one. Readers: event-feed.ts.

/**
 * Common table expressions that tell of changed Runs, and count them.
 * @param changed a table of the same statement: run_id, plan_id, was (the status before; null of a new Run), status (null of
 * one that is gone), updated_at, exit_code, exit_message
 */
export const tellOfRuns = (changed: string): RawBuilder<unknown> => sql`
  told_of_run as (
    insert into event (run_id, plan_id, status, updated_at, exit_code, exit_message)
    select run_id, plan_id, status, updated_at, exit_code, exit_message from ${sql.table(changed)}
  ), counted_run as (
    insert into run_count (status, change)
    select status, sum(change) from (
      select was as status, -1 as change from ${sql.table(changed)} where was is not null
      union all
      select status, 1 from ${sql.table(changed)} where status is not null) as step
    group by status having sum(change) <> 0
  )`;

/**
 * A common table expression that tells of Data that are new or have other tags.
 * @param changed a table of the same statement: knit_id
 */
export const tellOfData = (changed: string): RawBuilder<unknown> => sql`
  told_of_data as (insert into event (knit_id) select knit_id from ${sql.table(changed)})`;

/** The same for Data that are deleted. */
export const tellOfDeletedData = (deleted: string): RawBuilder<unknown> => sql`
  told_of_data as (insert into event (knit_id, deleted) select knit_id, true from ${sql.table(deleted)})`;
