import { idTagKey, isSystemTag, type KnitId, type Tag, timestampTagKey } from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './database.ts';
import { type Asked, fits, narrowestWay } from './nomination-backlog.ts';
import { knownTagIds } from './tags.ts';

/** Of so many Data it is seen which tag is the best way to them. */
const enough = 10_000;

/**
 * The tables and conditions of a query for the Data, `way.knit_id`, that fit an input with these tags; undefined if none can.
 * @param looked how many Data are looked at; all that there are when absent
 */
async function fitting(
  tx: Tx,
  tags: readonly Tag[],
  looked?: number,
): Promise<RawBuilder<unknown> | undefined> {
  const userTags = tags.filter((tag) => !isSystemTag(tag));
  const tagIds = await knownTagIds(tx, userTags);
  if (tagIds.length < userTags.length) return undefined;
  const pinned = (key: string) => tags.find((tag) => tag.key === key)?.value ?? null;
  const asked: Asked = {
    tagIds,
    pinnedId: pinned(idTagKey) as KnitId | null,
    pinnedTimestamp: pinned(timestampTagKey),
  };
  return sql`
    (${await narrowestWay(tx, asked, { count: looked ?? enough })} limit ${looked ?? null}::bigint) as way
    cross join lateral (select run_id, stamped_at from data where data.knit_id = way.knit_id offset 0) as data
    where ${fits(asked)}`;
}

/** How many Data fit an input with these tags; counting stops at `most`, or when so many have been looked at. */
export async function countFitting(
  tx: Tx,
  tags: readonly Tag[],
  { most, looked }: { most?: number; looked?: number } = {},
): Promise<number> {
  const found = await fitting(tx, tags, looked);
  if (found === undefined) return 0;
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (select from ${found} limit ${most ?? null}::bigint) as counted`.execute(
    tx,
  );
  return rows[0]?.count ?? 0;
}

/** The first Data, in the order of ids, that fit an input with these tags. */
export async function firstFitting(tx: Tx, tags: readonly Tag[], limit: number): Promise<KnitId[]> {
  const found = await fitting(tx, tags);
  if (found === undefined) return [];
  const { rows } = await sql<{ knit_id: KnitId }>`
    select way.knit_id from ${found} order by way.knit_id limit ${limit}`.execute(tx);
  return rows.map((row) => row.knit_id);
}
