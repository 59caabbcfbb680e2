import type { RunStatus } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';

// How many Runs are in each status, without counting them: each transaction that changes Runs adds by how much (events/tell.ts).

/** The number of Runs in each status; a status in which there are none may be missing. */
export async function runCounts(db: Connection | Tx): Promise<Map<RunStatus, number>> {
  const { rows } = await sql<{ status: RunStatus; runs: number }>`
    select status, sum(change)::bigint as runs from run_count group by status`.execute(db);
  return new Map(rows.map(({ status, runs }) => [status, runs]));
}

/** How many rows are worth adding up: reading some is as good as reading one. */
const enough = 100;

/** Adds the changes up to one row for each status. One that somebody else adds up at the moment is passed over. */
export async function foldRunCounts(tx: Tx): Promise<void> {
  await sql`
    with taken as (
      delete from run_count
      where ctid = any (array(select ctid from run_count for update skip locked))
        and (select count(*) from run_count) > ${enough}
      returning status, change
    )
    insert into run_count (status, change)
    select status, sum(change) from taken group by status having sum(change) <> 0`.execute(tx);
}
