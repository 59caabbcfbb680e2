import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { notify } from './notifications.ts';

/** What holds for the whole system (spec page 8, row 8). */
export interface System {
  /** Since when, and why, no Run is started; undefined when Runs are. */
  paused?: { since: Date; reason?: string };
  /** Runs that may be under way at once; any number when absent. */
  maxRunning?: number;
  /** A new Plan that would start more Runs than this at once is made inactive. */
  inactiveAbove: number;
}

export async function readSystem(db: Connection | Tx): Promise<System> {
  const row = await db.selectFrom('system').selectAll().executeTakeFirstOrThrow();
  return {
    ...(row.paused_at && {
      paused: { since: row.paused_at, ...(row.paused_reason !== null && { reason: row.paused_reason }) },
    }),
    ...(row.max_running !== null && { maxRunning: row.max_running }),
    inactiveAbove: row.inactive_above,
  };
}

/** Starts no Run from now on; those that have begun go on. Pausing again changes the reason only. */
export async function pauseSystem(tx: Tx, reason: string | null): Promise<void> {
  await sql`update system set paused_at = coalesce(paused_at, clock_timestamp()), paused_reason = ${reason}`.execute(
    tx,
  );
}

export async function resumeSystem(tx: Tx): Promise<void> {
  await tx.updateTable('system').set({ paused_at: null, paused_reason: null }).execute();
  await wakeStarters(tx);
}

/** Changes the limits that are given; a `maxRunning` of null takes that limit away. */
export async function changeSystemLimits(
  tx: Tx,
  { maxRunning, inactiveAbove }: { maxRunning?: number | null; inactiveAbove?: number },
): Promise<void> {
  await tx
    .updateTable('system')
    .set({
      ...(maxRunning !== undefined && { max_running: maxRunning }),
      ...(inactiveAbove !== undefined && { inactive_above: inactiveAbove }),
      one: true,
    })
    .execute();
  await wakeStarters(tx);
}

/** Tells the loops that start Runs that what held some back may not any more. */
export async function wakeStarters(tx: Tx): Promise<void> {
  await notify(tx, 'run:waiting');
  await notify(tx, 'run:ready');
}
