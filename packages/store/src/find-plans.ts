import { idTagKey, isSystemTag, isUuid, type PlanId, type Tag, timestampTagKey } from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import { inBatches, type Paging } from './batches.ts';
import type { Connection, Tx } from './database.ts';
import { knownTagIds } from './tags.ts';

/** What `GET /api/plans/` filters by; what is left out does not filter. */
export interface PlanFilter extends Paging<PlanId> {
  active?: boolean;
  /** The tag may be left out: then any. */
  image?: { repository: string; tag?: string };
  /** One input has all of these. */
  inTags?: readonly Tag[];
  /** One output, or the log, has all of these. */
  outTags?: readonly Tag[];
}

/** The ids of the Plans that fit the filter, pseudo plans left out, in order. */
export async function findPlans(db: Connection | Tx, filter: PlanFilter): Promise<PlanId[]> {
  return (await (await search(db, filter)).execute(db)).rows.map((row) => row.id);
}

/** The same without a limit, a batch at a time. */
export async function* findPlansInBatches(
  tx: Tx,
  filter: Omit<PlanFilter, 'limit'>,
): AsyncGenerator<PlanId[], void> {
  yield* inBatches(tx, await search(tx, filter));
}

async function search(
  db: Connection | Tx,
  { active, image, inTags = [], outTags = [], after, limit }: PlanFilter,
): Promise<RawBuilder<{ id: PlanId }>> {
  const conditions = [sql`name is null`];
  if (active !== undefined) conditions.push(sql`active = ${active}`);
  if (image !== undefined) conditions.push(sql`image_repository = ${image.repository}`);
  if (image?.tag !== undefined) conditions.push(sql`image_tag = ${image.tag}`);
  if (after !== undefined) conditions.push(sql`plan_id > ${after}::uuid`);
  if (inTags.length > 0) conditions.push(sql`plan_id in (${await plansWithPoint(db, 'input', inTags)})`);
  if (outTags.length > 0) conditions.push(sql`plan_id in (${await plansWithPoint(db, 'output', outTags)})`);
  return sql`
    select plan_id as id from plan where ${sql.join(conditions, sql` and `)}
    order by plan_id ${limit === undefined ? sql`` : sql`limit ${limit}`}`;
}

/** The Plans of which one input (or output, or log) has all of the tags, by the index of tags. */
async function plansWithPoint(
  db: Connection | Tx,
  kind: 'input' | 'output',
  tags: readonly Tag[],
): Promise<RawBuilder<unknown>> {
  const none = sql`select null::uuid where false`;
  const unique = new Map(tags.map((tag) => [`${tag.key}:${tag.value}`, tag]));
  const userTags = [...unique.values()].filter((tag) => !isSystemTag(tag));
  const systemTags = [...unique.values()].filter(isSystemTag);
  const ids = await knownTagIds(db, userTags);
  if (ids.length < userTags.length) return none;
  const conditions: RawBuilder<unknown>[] = [];
  for (const { key, value } of systemTags) {
    if (kind === 'input' && key === idTagKey && isUuid(value))
      conditions.push(sql`pinned_id = ${value}::uuid`);
    else if (kind === 'input' && key === timestampTagKey) conditions.push(sql`pinned_timestamp = ${value}`);
    else return none;
  }
  const table = sql.table(kind === 'input' ? 'plan_input' : 'plan_output');
  const tagTable = sql.table(kind === 'input' ? 'plan_input_tag' : 'plan_output_tag');
  const id = sql.ref(kind === 'input' ? 'input_id' : 'output_id');
  if (ids.length > 0) {
    conditions.push(sql`${id} in (
      select ${id} from ${tagTable} where tag_id = any (${ids}::bigint[]) group by 1 having count(*) = ${ids.length})`);
  }
  return sql`select plan_id from ${table} where ${sql.join(conditions, sql` and `)}`;
}
