import type { RunId, RunStatus } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { notify } from './notifications.ts';

/** A volume that a Data names. */
export interface NamedVolume {
  volumeRef: string;
  runId: RunId;
  status: RunStatus;
}

/** The volumes that must exist: those of Data whose Runs have been prepared, by name, after `last`. */
export async function volumesInUse(
  db: Connection | Tx,
  { last, limit }: { last: string; limit: number },
): Promise<NamedVolume[]> {
  const { rows } = await sql<NamedVolume>`
    select volume_ref as "volumeRef", run_id as "runId", status
    from data join run using (run_id)
    where volume_ref > ${last} and status in ('ready', 'starting', 'running', 'completing', 'done')
      and not (status = 'running' and worker is null) -- an upload makes its own
    order by volume_ref limit ${limit}`.execute(db);
  return rows;
}

/** Those of these volumes that no Data names, that are not spare, and not garbage yet. */
export async function strayVolumes(db: Connection | Tx, volumeRefs: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ volume_ref: string }>`
    select volume_ref from unnest(${volumeRefs}::text[]) as existing (volume_ref)
    where not exists (select from data where data.volume_ref = existing.volume_ref)
      and not exists (select from spare_volume where spare_volume.volume_ref = existing.volume_ref)
      and not exists (select from garbage where garbage.volume_ref = existing.volume_ref)`.execute(db);
  return rows.map((row) => row.volume_ref);
}

/** Makes garbage of volumes that no Data names. */
export async function discardStrayVolumes(tx: Tx, volumeRefs: readonly string[]): Promise<void> {
  await sql`
    insert into garbage (volume_ref)
    select volume_ref from unnest(${volumeRefs}::text[]) as stray (volume_ref)
    where not exists (select from data where data.volume_ref = stray.volume_ref)
      and not exists (select from spare_volume where spare_volume.volume_ref = stray.volume_ref)
    on conflict do nothing`.execute(tx);
  await notify(tx, 'garbage');
}
