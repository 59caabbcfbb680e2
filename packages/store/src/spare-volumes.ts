import type { KnitId, RunId } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { isDue, postponed } from './due.ts';
import { locks } from './locks.ts';
import { notify } from './notifications.ts';

// Where it takes seconds to make a volume, some are made before anybody needs them. A row is there before its volume is, and goes
// in the transaction that makes the volume a Data's, so that each volume is always somebody's.

/** A Data that has got a spare volume instead of one that would have to be made. */
export interface SpareTaken {
  knitId: KnitId;
  volumeRef: string;
}

/**
 * Gives spare volumes that are ready to the outputs of Runs whose volumes have not been made, as far as there are any. Whether a try
 * that failed has made those that they had before, nobody knows: they go to garbage, out of the way of whoever waits just now.
 */
export async function takeSpareVolumes(
  tx: Tx,
  { runIds, kind }: { runIds: readonly RunId[]; kind: string },
): Promise<SpareTaken[]> {
  if (runIds.length === 0) return [];
  const { rows } = await sql<SpareTaken>`
    with wanted as (
      select knit_id, volume_ref as former_ref, row_number() over (order by run_id, knit_id) as nr from data
      where run_id = any (${runIds}::uuid[])
    ), spare as materialized (
      select volume_ref from spare_volume where ready and kind = ${kind}
      order by volume_ref limit (select count(*) from wanted) for update skip locked
    ), taken as (
      delete from spare_volume using spare where spare_volume.volume_ref = spare.volume_ref
    ), numbered as (
      select volume_ref, row_number() over (order by volume_ref) as nr from spare
    ), given_up as (
      insert into garbage (volume_ref, next_attempt_at)
      select former_ref, clock_timestamp() + interval '1 minute' from wanted join numbered using (nr)
      on conflict do nothing
    )
    update data set volume_ref = numbered.volume_ref
    from wanted join numbered using (nr)
    where data.knit_id = wanted.knit_id
    returning data.knit_id as "knitId", data.volume_ref as "volumeRef"`.execute(tx);
  if (rows.length > 0) await notify(tx, 'spare-volume');
  return rows;
}

/** Names so many spare volumes of a kind, yet to be made; those that are too many, or of another kind, go to garbage. */
export async function alignSpareVolumes(
  tx: Tx,
  { count, kind }: { count: number; kind: string },
): Promise<void> {
  if (await areAligned(tx, { count, kind })) return;
  await sql`select pg_advisory_xact_lock(${locks.spareVolumes})`.execute(tx);
  const { numAffectedRows: discarded = 0n } = await sql`
    with kept as (
      select volume_ref from spare_volume where kind = ${kind} order by ready desc, volume_ref limit ${count}
    ), dropped as (
      delete from spare_volume where volume_ref not in (select volume_ref from kept) returning volume_ref
    )
    insert into garbage (volume_ref) select volume_ref from dropped on conflict do nothing`.execute(tx);
  if (discarded > 0n) await notify(tx, 'garbage');
  await sql`
    insert into spare_volume (volume_ref, kind)
    select 'volume-' || uuidv7(), ${kind}
    from generate_series(1, ${count}::integer - (select count(*) from spare_volume))`.execute(tx);
}

async function areAligned(tx: Tx, { count, kind }: { count: number; kind: string }): Promise<boolean> {
  const { rows } = await sql<{ fitting: number; all: number }>`
    select count(*) filter (where kind = ${kind}) as fitting, count(*) as all from spare_volume`.execute(tx);
  return rows[0]?.fitting === count && rows[0].all === count;
}

/** Takes spare volumes that are to be made, whose turn it is and that nobody else has. */
export async function claimSpareVolumes(tx: Tx, limit: number): Promise<{ volumeRef: string }[]> {
  const { rows } = await sql<{ volumeRef: string }>`
    select volume_ref as "volumeRef" from spare_volume
    where not ready and ${isDue}
    order by next_attempt_at, volume_ref limit ${limit} for update skip locked`.execute(tx);
  return rows;
}

/** Notes that spare volumes are made: whoever needs one may take them. */
export async function offerSpareVolumes(tx: Tx, volumeRefs: readonly string[]): Promise<void> {
  await sql`
    update spare_volume set ready = true, failures = 0, problem = null
    where volume_ref = any (${volumeRefs}::text[])`.execute(tx);
}

/** Notes that a spare volume could not be made: it is tried again after a pause that doubles, up to 5 minutes. */
export async function postponeSpareVolume(tx: Tx, volumeRef: string, problem: string): Promise<Date> {
  const { rows } = await sql<{ next_attempt_at: Date }>`
    update spare_volume
    set ${postponed(problem)}
    where volume_ref = ${volumeRef}
    returning next_attempt_at`.execute(tx);
  return rows[0]?.next_attempt_at ?? new Date();
}

/** When the first spare volume that could not be made is to be tried again; undefined when there is none. */
export async function nextSpareVolumeDue(db: Connection | Tx): Promise<Date | undefined> {
  const { rows } = await sql<{ due: Date | null }>`
    select greatest(min(next_attempt_at), clock_timestamp() + interval '1 second') as due
    from spare_volume where not ready having count(*) > 0`.execute(db);
  return rows[0]?.due ?? undefined;
}
