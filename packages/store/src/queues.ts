import { sql } from 'kysely';
import type { Tx } from './database.ts';

/** What waits for one of the engine's loops. */
export interface Queue {
  rows: number;
  /** Since when the oldest waits; undefined when nothing does, or it is not known. */
  since: Date | undefined;
}

export type QueueName =
  | 'nomination'
  | 'projection'
  | 'initialize'
  | 'run-management (start)'
  | 'finishing'
  | 'finishing (stopped)'
  | 'garbage-collection'
  | 'initialize (spare volumes)';

/** Counting stops here: whether 100,000 rows wait or a million makes no difference to whoever looks. */
const most = 100_000;

/** Of how many rows, those whose turn is next, the oldest is looked for where there is no index by age. */
const sample = 1_000;

/** What waits for each loop. Each number is read from an index over nothing but what waits, or was counted as it came. */
export async function queues(tx: Tx): Promise<Record<QueueName, Queue>> {
  const { rows } = await sql<{ name: QueueName; rows: number; since: Date | null }>`
    select 'nomination' as name, (select count(*) from (select from nomination_backlog limit ${most}) as waiting) as rows,
           null::timestamptz as since
    union all
    select 'projection', (select count(*) from (select from nomination where not projected limit ${most}) as waiting),
           (select min(nominated_at) from (select nominated_at from nomination where not projected limit ${sample}) as next)
    union all
    select case status when 'waiting' then 'initialize' else 'run-management (start)' end,
           (select coalesce(sum(change), 0)::bigint from run_count where run_count.status = given.status),
           (select min(updated_at) from run where run.status = given.status)
    from (values ('waiting'), ('ready')) as given (status)
    union all
    select case when given.stopped then 'finishing (stopped)' else 'finishing' end,
           count(ending.since), min(ending.since)
    from (values (true), (false)) as given (stopped)
    left join (select stopped, updated_at as since from run
               where status in ('completing', 'aborting') limit ${most}) as ending using (stopped)
    group by given.stopped
    union all
    select 'garbage-collection', (select count(*) from (select from garbage limit ${most}) as waiting),
           (select min(discarded_at)
            from (select discarded_at from garbage order by next_attempt_at limit ${sample}) as next)
    union all
    select 'initialize (spare volumes)', count(*), min(noted_at) from spare_volume where not ready`.execute(
    tx,
  );
  return Object.fromEntries(
    rows.map(({ name, rows: waiting, since }) => [name, { rows: waiting, since: since ?? undefined }]),
  ) as Record<QueueName, Queue>;
}
