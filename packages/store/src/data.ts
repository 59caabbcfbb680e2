import {
  idTagKey,
  isSystemTag,
  isUuid,
  type KnitId,
  NotFound,
  type RunStatus,
  type Tag,
  timestampTagKey,
  transientTagKey,
} from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { lockNominations, renominateData } from './nominations.ts';
import { knownTagIds, tagIds } from './tags.ts';

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
  const removed = await knownTagIds(tx, change.remove);
  await sql`
    delete from data_tag using tag
    where data_tag.knit_id = ${knitId} and tag.tag_id = data_tag.tag_id
      and (tag.tag_id = any (${removed}::bigint[]) or tag.key = any (${change.removeKeys}::text[]))`.execute(
    tx,
  );
  const added = await tagIds(tx, change.add);
  await sql`
    insert into data_tag (knit_id, tag_id) select ${knitId}::uuid, unnest(${added}::bigint[])
    on conflict do nothing`.execute(tx);
  await renominateData(tx, [knitId]);
}

/** What `GET /api/data/` filters by: all of the tags, and when the Data's Run last changed, half-open. */
export interface DataFilter {
  tags?: readonly Tag[];
  since?: Date;
  until?: Date;
}

/** The ids of the Data that fit the filter, oldest first, then by id. */
export async function findData(db: Connection | Tx, filter: DataFilter): Promise<KnitId[]> {
  const tags = filter.tags ?? [];
  const userTags = [
    ...new Map(
      tags.filter((tag) => !isSystemTag(tag)).map((tag) => [`${tag.key}:${tag.value}`, tag]),
    ).values(),
  ];
  const ids = await knownTagIds(db, userTags);
  if (ids.length < userTags.length) return [];
  const conditions: RawBuilder<unknown>[] = [
    ...ids.map(
      (id) => sql`exists (select from data_tag where data_tag.knit_id = data.knit_id and tag_id = ${id})`,
    ),
    ...tags.filter(isSystemTag).map(systemTagCondition),
    sql`run.status <> 'invalidated'`,
  ];
  if (filter.since !== undefined) conditions.push(sql`run.updated_at >= ${filter.since}`);
  if (filter.until !== undefined) conditions.push(sql`run.updated_at < ${filter.until}`);
  const { rows } = await sql<{ knit_id: KnitId }>`
    select data.knit_id from data join run using (run_id)
    where ${sql.join(conditions, sql` and `)}
    order by run.updated_at, data.knit_id`.execute(db);
  return rows.map((row) => row.knit_id);
}

function systemTagCondition({ key, value }: Tag): RawBuilder<unknown> {
  switch (key) {
    case idTagKey:
      return isUuid(value) ? sql`data.knit_id = ${value}` : sql`false`;
    case timestampTagKey:
      return sql`(data.stamped_at = ${value}::timestamptz and knit_timestamp(data.stamped_at) = ${value})`;
    case transientTagKey:
      if (value === 'failed') return sql`run.status = 'failed'`;
      if (value === 'processing') {
        return sql`run.status in ('deactivated', 'waiting', 'ready', 'starting', 'running', 'completing', 'aborting')`;
      }
      return sql`false`;
    default:
      return sql`false`;
  }
}
