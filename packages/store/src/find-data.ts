import {
  idTagKey,
  isFinished,
  isSystemTag,
  isUuid,
  type KnitId,
  type RunStatus,
  type Tag,
  timestampTagKey,
  transientTagKey,
  visibleRunStatuses,
} from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import { inBatches, type Paging, type TimePosition } from './batches.ts';
import type { Connection, Tx } from './database.ts';
import { knownTagIds } from './tags.ts';

// Data are found the narrowest way in: of all that is asked for (a tag, a time, a status), what the fewest Data have is read
// from its index, and the rest is checked for each of these. Which is narrowest is counted, not estimated: the planner's
// statistics know neither rare tags nor what was loaded a minute ago. Joins are lateral with `offset 0`, and checks are scalar
// subqueries, so that each is one look into an index whatever the statistics say.
//
// A page of what very many Data have is read in the list's order instead, from its place on. That ends soon when those that
// fit are spread over the list, and is given up after a while when they are not.

/** What `GET /api/data/` filters by: all of the tags, and when the Data's Run last changed, half-open. */
export interface DataFilter extends Paging<TimePosition<KnitId>> {
  tags?: readonly Tag[];
  since?: Date;
  until?: Date;
}

/** The ids of the Data that fit the filter, by the time of their Runs' last change, then by id. */
export async function findData(db: Connection | Tx, filter: DataFilter): Promise<KnitId[]> {
  const search = await searchOf(db, filter);
  if (search === undefined) return [];
  const { limit } = filter;
  if (limit === undefined) return ids(db, among(await bestWay(db, search), search));
  const narrow = await narrowWay(db, search, few);
  if (narrow === undefined) {
    const page = await ids(db, inOrder(search, limit));
    if (page.length === limit) return page;
  }
  return ids(db, sql`${among(narrow ?? (await bestWay(db, search)), search)} limit ${limit}`);
}

/** The same without a limit, a batch at a time. */
export async function* findDataInBatches(
  tx: Tx,
  filter: Omit<DataFilter, 'limit'>,
): AsyncGenerator<KnitId[], void> {
  const search = await searchOf(tx, filter);
  if (search !== undefined) yield* inBatches(tx, among(await bestWay(tx, search), search));
}

const ids = async (db: Connection | Tx, query: RawBuilder<{ id: KnitId }>): Promise<KnitId[]> =>
  (await query.execute(db)).rows.map((row) => row.id);

/** A filter in the database's terms. */
interface Search extends SystemSearch {
  tagIds: number[];
  /** Of the Run's last change: what the interval and the page's beginning come to. */
  time: RawBuilder<unknown>;
  isTimeBound: boolean;
  /** What comes after the place where the page before ended. */
  after: RawBuilder<unknown>;
}

/** The statuses of Runs whose Data have a `knit#transient` of this value. */
const transient: Record<string, readonly RunStatus[]> = {
  failed: ['failed'],
  processing: visibleRunStatuses.filter((status) => !isFinished(status)),
};

/** What the system tags ask for. */
interface SystemSearch {
  knitId?: string;
  stamp?: string;
  statuses?: readonly RunStatus[] | undefined;
}

/** Undefined when nothing can fit. */
async function searchOf(db: Connection | Tx, filter: DataFilter): Promise<Search | undefined> {
  const all = new Map((filter.tags ?? []).map((tag) => [`${tag.key}:${tag.value}`, tag]));
  const userTags = [...all.values()].filter((tag) => !isSystemTag(tag));
  const tagIds = await knownTagIds(db, userTags);
  if (tagIds.length < userTags.length) return undefined;
  const system = systemSearch([...all.values()].filter(isSystemTag));
  if (system === undefined) return undefined;
  const { since, until, after } = filter;
  const from =
    after === undefined || (since !== undefined && since > after.updatedAt) ? since : after.updatedAt;
  const bounds = [
    ...(from === undefined ? [] : [sql`updated_at >= ${from}`]),
    ...(until === undefined ? [] : [sql`updated_at < ${until}`]),
  ];
  return {
    ...system,
    tagIds,
    time: conjunction(bounds),
    isTimeBound: bounds.length > 0,
    after:
      after === undefined
        ? sql`true`
        : sql`(run.updated_at, data.knit_id) > (${after.updatedAt}, ${after.id}::uuid)`,
  };
}

/** Undefined when no Data has all of the tags. */
function systemSearch(tags: readonly Tag[]): SystemSearch | undefined {
  const search: SystemSearch = {};
  for (const { key, value } of tags) {
    if (key === idTagKey && isUuid(value) && search.knitId === undefined) search.knitId = value;
    else if (key === timestampTagKey && search.stamp === undefined) search.stamp = value;
    else if (key === transientTagKey && search.statuses === undefined && Object.hasOwn(transient, value))
      search.statuses = transient[value];
    else return undefined;
  }
  return search;
}

/** A way to Data among which all are that fit. */
interface Way {
  /** Rows of `knit_id`. */
  knitIds: RawBuilder<unknown>;
  /** As many rows, or about as many. */
  counted: RawBuilder<unknown>;
}

/** So many Data may all be looked at for the sake of some of them. */
const few = 5_000;
/** Ways with more are as wide as each other. */
const many = 20_000;

/** The way with the fewest Data; undefined when all have `most` or more. */
async function narrowWay(db: Connection | Tx, search: Search, most: number): Promise<Way | undefined> {
  let narrowest: Way | undefined;
  let fewest = most;
  for (const way of waysOf(search)) {
    const count = await countUpTo(db, way, fewest);
    if (count < fewest) [narrowest, fewest] = [way, count];
  }
  return narrowest;
}

/** The way with the fewest Data, as far as it matters. */
async function bestWay(db: Connection | Tx, search: Search): Promise<Way> {
  const ways = waysOf(search);
  return ((ways.length > 1 && (await narrowWay(db, search, many))) || ways[0]) as Way;
}

function waysOf({ knitId, stamp, tagIds, statuses, time, isTimeBound }: Search): Way[] {
  const ways: RawBuilder<unknown>[] = [];
  if (knitId !== undefined) ways.push(sql`select ${knitId}::uuid as knit_id`);
  if (stamp !== undefined) ways.push(sql`select knit_id from data where stamped_at = ${stamp}::timestamptz`);
  for (const tagId of tagIds) ways.push(sql`select knit_id from data_tag where tag_id = ${tagId}`);
  const direct = ways.map((knitIds): Way => ({ knitIds, counted: knitIds }));
  if (statuses === undefined && !isTimeBound && direct.length > 0) return direct;
  const runs =
    statuses === undefined
      ? sql`select run_id from run where status <> 'invalidated' and ${time}`
      : sql`select run_id from run where status = any (${statuses}::text[]) and ${time}`;
  const knitIds = sql`
    select made.knit_id
    from (${runs}) as maker cross join lateral (select knit_id from data where data.run_id = maker.run_id offset 0) as made`;
  return [...direct, { knitIds, counted: runs }];
}

async function countUpTo(db: Connection | Tx, { counted }: Way, most: number): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (select from (${counted}) as way limit ${most}) as counted`.execute(db);
  return rows[0]?.count ?? 0;
}

/** The Data on a way that fit, in the list's order. */
const among = ({ knitIds }: Way, search: Search): RawBuilder<{ id: KnitId }> => sql`
  select data.knit_id as id
  from (${knitIds}) as way
  cross join lateral (select knit_id, run_id, stamped_at from data
                      where data.knit_id = way.knit_id and ${hasTags(search, sql.ref('way.knit_id'))} offset 0) as data
  cross join lateral (select status, updated_at from run where run.run_id = data.run_id offset 0) as run
  where ${fits(search)} and ${search.time}
  order by run.updated_at, data.knit_id`;

/** The same, all Data being looked at in the list's order, up to a point: where hardly any fits, it finds too few. */
function inOrder(search: Search, limit: number): RawBuilder<{ id: KnitId }> {
  // With ties: the order among Runs of the same moment is that of their Data.
  const patience = few + 100 * limit;
  return sql`
    select data.knit_id as id
    from (select run_id, status, updated_at from run where status <> 'invalidated' and ${search.time}
          order by updated_at fetch first (${patience}) rows with ties) as run
    cross join lateral (select knit_id, stamped_at from data where data.run_id = run.run_id offset 0) as data
    where ${fits(search)} and ${hasTags(search, sql.ref('data.knit_id'))}
    order by run.updated_at, data.knit_id
    limit ${limit}`;
}

/** One look into the index for each tag. */
const hasTags = ({ tagIds }: Search, knitId: RawBuilder<unknown>): RawBuilder<unknown> =>
  conjunction(
    tagIds.map(
      (tagId) =>
        sql`(select true from data_tag where data_tag.tag_id = ${tagId} and data_tag.knit_id = ${knitId})`,
    ),
  );

const fits = ({ knitId, stamp, statuses, after }: Search): RawBuilder<unknown> =>
  conjunction([
    sql`run.status = any (${statuses ?? visibleRunStatuses}::text[])`,
    after,
    ...(knitId === undefined ? [] : [sql`data.knit_id = ${knitId}::uuid`]),
    // PostgreSQL's times end at microseconds, and the wire's at milliseconds.
    ...(stamp === undefined ? [] : [sql`knit_timestamp(data.stamped_at) = ${stamp}`]),
  ]);

const conjunction = (conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  sql.join([sql`true`, ...conditions], sql` and `);
