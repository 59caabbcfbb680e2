import { type KnitId, NotFound, type RunStatus, type Tag } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { followTags, lockNominations } from './nominations.ts';
import { notification } from './notifications.ts';
import { addTags, knownTagIds } from './tags.ts';

export const noSuchData = (knitId: KnitId): NotFound =>
  new NotFound({ reason: `there is no Data ${knitId}`, advice: 'See `knit data find` for those that are.' });

/** Where a Data's tree is, and whether it is complete. */
export interface DataVolume {
  volumeRef: string;
  runStatus: RunStatus;
}

/** @throws {NotFound} */
export async function dataVolume(db: Connection | Tx, knitId: KnitId): Promise<DataVolume> {
  const row = await db
    .selectFrom('data')
    .innerJoin('run', 'run.run_id', 'data.run_id')
    .select(['data.volume_ref as volumeRef', 'run.status as runStatus'])
    .where('data.knit_id', '=', knitId)
    .executeTakeFirst();
  if (row === undefined) throw noSuchData(knitId);
  return row;
}

/**
 * Changes a Data's user tags, removal first; its nominations follow.
 * @throws {NotFound}
 */
export async function changeDataTags(
  tx: Tx,
  knitId: KnitId,
  change: { add: readonly Tag[]; remove: readonly Tag[]; removeKeys: readonly string[] },
): Promise<void> {
  // First of all: whoever registers a Plan holds it while making tags, which may be the same as these.
  await lockNominations(tx, 'data');
  const locked = await sql`select from data where knit_id = ${knitId} for no key update`.execute(tx);
  if (locked.rows.length === 0) throw noSuchData(knitId);
  const taken = await removeTags(tx, knitId, change.remove, change.removeKeys);
  const given = await addTags(tx, knitId, change.add);
  if (taken + given === 0n) return;
  await sql`insert into event (knit_id) values (${knitId}) returning ${notification('data')}`.execute(tx);
  await followTags(tx, [knitId]);
}

async function removeTags(
  tx: Tx,
  knitId: KnitId,
  tags: readonly Tag[],
  keys: readonly string[],
): Promise<bigint> {
  if (tags.length === 0 && keys.length === 0) return 0n;
  const ids = await knownTagIds(tx, tags);
  const { numAffectedRows = 0n } = await sql`
    delete from data_tag
    where knit_id = ${knitId}
      and (tag_id = any (${ids}::bigint[])
           or (select key from tag where tag.tag_id = data_tag.tag_id) = any (${keys}::text[]))`.execute(tx);
  return numAffectedRows;
}
