import { type RawBuilder, sql } from 'kysely';

/** The time of the statement: an index leads to what is due by it. */
export const now = sql`statement_timestamp()`;

/** From then on a row is put off for longer than any pause lasts: it was before the clock was set back, and is due as well. */
export const beyondPauses = sql`${now} + interval '65 minutes'`;

/** Whether a row that backs off is due. */
export const isDue = sql`(next_attempt_at <= ${now} or next_attempt_at > ${beyondPauses})`;

/** What to set of a row that failed: why, and when it is due again, after a pause that doubles from 1 s up to 5 minutes. */
export const postponed = (problem: string): RawBuilder<unknown> => sql`
  failures = failures + 1, problem = ${problem.slice(0, 2000)},
  next_attempt_at = clock_timestamp() + least(interval '1 second' * power(2, least(failures, 10)), interval '5 minutes')`;

/** Whether nobody prolongs an upload any more; a lease that is longer than leases are is of a clock that was set back. */
export const isLeaseOver = sql`(lease_until < clock_timestamp() or lease_until > clock_timestamp() + interval '5 minutes')`;
