import { formatTag, type KnitId, type Tag } from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { found } from './plan-summaries.ts';

/** Tags as rows: `key`, `value`, `nr` from 1 on. */
const asTable = (tags: readonly Tag[]): RawBuilder<unknown> =>
  sql`unnest(${tags.map((tag) => tag.key)}::text[], ${tags.map((tag) => tag.value)}::text[])
    with ordinality as wanted (key, value, nr)`;

/** Makes those of the tags that are new. */
async function makeTags(tx: Tx, tags: readonly Tag[]): Promise<void> {
  // Sorted, so that two transactions that make the same tags wait for each other rather than deadlock.
  await sql`
    insert into tag (key, value)
    select key, value from ${asTable(tags)}
    where not exists (select from tag where tag.digest = tag_digest(wanted.key, wanted.value))
    order by tag_digest(key, value)
    on conflict (digest) do nothing`.execute(tx);
}

/** The ids of the tags, made where they are new, in the order of `tags`. */
export async function tagIds(tx: Tx, tags: readonly Tag[]): Promise<number[]> {
  if (tags.length === 0) return [];
  await makeTags(tx, tags);
  const { rows } = await sql<{ tag_id: number }>`
    select tag.tag_id
    from ${asTable(tags)} join tag on tag.digest = tag_digest(wanted.key, wanted.value)
    order by nr`.execute(tx);
  return rows.map((row) => row.tag_id);
}

/** Gives a Data tags; @returns how many of them it did not have. */
export async function addTags(tx: Tx, knitId: KnitId, tags: readonly Tag[]): Promise<bigint> {
  if (tags.length === 0) return 0n;
  await makeTags(tx, tags);
  const { numAffectedRows = 0n } = await sql`
    insert into data_tag (knit_id, tag_id)
    select ${knitId}::uuid, tag.tag_id
    from ${asTable(tags)} join tag on tag.digest = tag_digest(wanted.key, wanted.value)
    on conflict do nothing`.execute(tx);
  return numAffectedRows;
}

/** The ids of those of the tags that exist, in no order. A tag that no one has used has no id. */
export async function knownTagIds(db: Connection | Tx, tags: readonly Tag[]): Promise<number[]> {
  if (tags.length === 0) return [];
  const { rows } = await sql<{ tag_id: number }>`
    select tag.tag_id
    from ${asTable(tags)} join tag on tag.digest = tag_digest(wanted.key, wanted.value)`.execute(db);
  return rows.map((row) => row.tag_id);
}

/** Tags by id. */
export async function tagsById(db: Connection | Tx, ids: readonly number[]): Promise<(id: number) => Tag> {
  const { rows } = await sql<Tag & { tag_id: number }>`
    select tag_id, key, value from tag where tag_id = any (${[...new Set(ids)]}::bigint[])`.execute(db);
  const byId = new Map(rows.map(({ tag_id, key, value }) => [tag_id, { key, value }]));
  return (id) => found(byId, id);
}

/** The user tags of each Data. */
export async function tagsOfData(
  db: Connection | Tx,
  knitIds: readonly KnitId[],
): Promise<Map<KnitId, Tag[]>> {
  const { rows } = await sql<Tag & { knit_id: KnitId }>`
    select data_tag.knit_id, tag.key, tag.value
    from data_tag join tag using (tag_id)
    where data_tag.knit_id = any (${knitIds}::uuid[])`.execute(db);
  const result = new Map<KnitId, Tag[]>(knitIds.map((knitId) => [knitId, []]));
  for (const { knit_id, key, value } of rows) result.get(knit_id)?.push({ key, value });
  return result;
}

/** Tags as the wire shows them: written, sorted. */
export const written = (tags: Iterable<Tag>): string[] => [...tags].map(formatTag).sort();
