import { sql } from 'kysely';
import type { Tx } from './database.ts';
import { isDue, postponed } from './due.ts';

export interface GarbageVolume {
  volumeRef: string;
}

/** Takes volumes to destroy whose turn it is and that nobody else has. */
export async function claimGarbage(tx: Tx, limit: number): Promise<GarbageVolume[]> {
  const { rows } = await sql<GarbageVolume>`
    select volume_ref as "volumeRef" from garbage
    where ${isDue}
    order by next_attempt_at limit ${limit} for update skip locked`.execute(tx);
  return rows;
}

/** Forgets volumes that are destroyed. */
export async function forgetGarbage(tx: Tx, volumeRefs: readonly string[]): Promise<void> {
  await sql`delete from garbage where volume_ref = any (${volumeRefs}::text[])`.execute(tx);
}

/** Notes that a volume could not be destroyed: it is tried again after a pause that doubles, up to 5 minutes. */
export async function postponeGarbage(tx: Tx, volumeRef: string, problem: string): Promise<Date> {
  const { rows } = await sql<{ next_attempt_at: Date }>`
    update garbage
    set ${postponed(problem)}
    where volume_ref = ${volumeRef}
    returning next_attempt_at`.execute(tx);
  return rows[0]?.next_attempt_at ?? new Date();
}
