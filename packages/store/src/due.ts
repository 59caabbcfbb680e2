import { sql } from 'kysely';

/**
 * Whether a row that backs off is due. One that would have to wait for longer than any pause lasts was put off before the
 * clock was set back, and is due as well.
 */
export const isDue = sql`(next_attempt_at <= clock_timestamp() or next_attempt_at > clock_timestamp() + interval '65 minutes')`;

/** Whether nobody prolongs an upload any more; a lease that is longer than leases are is of a clock that was set back. */
export const isLeaseOver = sql`(lease_until < clock_timestamp() or lease_until > clock_timestamp() + interval '5 minutes')`;
