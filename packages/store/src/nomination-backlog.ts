import type { KnitId, PlanId } from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './database.ts';
import { notify } from './notifications.ts';

// A new Plan may fit any number of Data. What it fits is nominated in pieces, in the order of the Data's ids, each in a short
// transaction: the backlog holds up to which Data each new input has got. Meanwhile tags change and Data come and go. That no
// nomination is lost, doubled or left over has these reasons:
//
// 1. A change of Data holds the lock of nominations (lockNominations) shared, registering a Plan holds it alone. So a change
//    has either committed before the Plan did, and every piece sees what it did; or it sees the Plan's inputs, and makes the
//    Data's nominations what they should be by itself, however far the pieces have got.
// 2. A piece passes over a Data only if it does not fit when the piece looks, which is after the Plan was committed. If it fits
//    later, then by a change that sees the inputs (1).
// 3. A piece takes the rows of the Data that fit (for share), and looks again, before it nominates them. A change takes the row
//    of its Data too, before it looks at tags and nominations. So of the two one is after the other, and sees what it did: a
//    piece that comes second sees the tags as they are, a change that comes second withdraws or keeps what the piece nominated.
// 4. A nomination is a row with a primary key; making it again does nothing.
// 5. A piece and how far it got are one transaction. Whichever index leads to the Data, pieces go on from the same place, since
//    all Data up to it that fit have been nominated.

/** How many Data one piece looks at, unless told otherwise: some 50 ms of work. */
const pieceSize = 1_000;

/** An input of a new Plan, held by this transaction, and the last Data that was looked at for it. */
export interface Backlog {
  inputId: number;
  upTo: KnitId;
}

/** Where all begin. */
const beforeAll = '00000000-0000-0000-0000-000000000000' as KnitId;

/**
 * Begins to nominate Data to a new Plan: the first piece at once, which is all for most Plans. The caller holds the lock for
 * Plans.
 */
export async function beginNominating(tx: Tx, planId: PlanId, size = pieceSize): Promise<void> {
  const { rows } = await sql<Backlog>`
    insert into nomination_backlog (input_id, up_to)
    select input_id, ${beforeAll}::uuid from plan_input where plan_id = ${planId} order by position
    returning input_id as "inputId", up_to as "upTo"`.execute(tx);
  let left = size;
  for (const backlog of rows) if (left > 0) left -= await nominatePiece(tx, backlog, left);
  if (left <= 0) await notify(tx, 'nomination-backlog');
}

/** Takes an input that nobody else has, of those for which the least was done: so they get on side by side. */
export async function claimBacklog(tx: Tx): Promise<Backlog | undefined> {
  const { rows } = await sql<Backlog>`
    select input_id as "inputId", up_to as "upTo" from nomination_backlog
    order by pieces, input_id limit 1 for update skip locked`.execute(tx);
  return rows[0];
}

/**
 * Nominates the next Data that fit the input.
 * @returns how many Data were looked at
 */
export async function nominatePiece(tx: Tx, { inputId, upTo }: Backlog, size = pieceSize): Promise<number> {
  const input = await inputOf(tx, inputId);
  const { rows: seen } = await sql<{ knit_id: KnitId; fits: boolean }>`
    select way.knit_id, ${fits(input)} as fits
    from (${await narrowestWay(tx, input, { after: upTo, count: size })} and knit_id > ${upTo}::uuid order by knit_id limit ${size}) as way
    cross join lateral (select run_id, stamped_at from data where data.knit_id = way.knit_id offset 0) as data
    order by way.knit_id`.execute(tx);
  const fitting = seen.filter((row) => row.fits).map((row) => row.knit_id);
  if (fitting.length > 0) await nominate(tx, input, fitting);
  const last = seen.at(-1)?.knit_id;
  if (last === undefined || seen.length < size) {
    await sql`delete from nomination_backlog where input_id = ${inputId}`.execute(tx);
  } else {
    await sql`update nomination_backlog set up_to = ${last}::uuid, pieces = pieces + 1 where input_id = ${inputId}`.execute(
      tx,
    );
  }
  return seen.length;
}

async function nominate(tx: Tx, input: Input, knitIds: readonly KnitId[]): Promise<void> {
  await sql`select from data where knit_id = any (${knitIds}::uuid[]) order by knit_id for share`.execute(tx);
  await sql`
    insert into nomination (input_id, knit_id)
    select ${input.inputId}, way.knit_id
    from unnest(${knitIds}::uuid[]) as way (knit_id)
    cross join lateral (select run_id, stamped_at from data where data.knit_id = way.knit_id offset 0) as data
    where ${fits(input)}
    on conflict do nothing`.execute(tx);
  await notify(tx, 'nomination');
}

/** What an input asks for. */
export interface Asked {
  tagIds: number[];
  pinnedId: KnitId | null;
  pinnedTimestamp: string | null;
}

interface Input extends Asked {
  inputId: number;
}

async function inputOf(tx: Tx, inputId: number): Promise<Input> {
  const { rows } = await sql<Input>`
    select input_id as "inputId", pinned_id as "pinnedId", pinned_timestamp as "pinnedTimestamp",
           array(select tag_id from plan_input_tag where plan_input_tag.input_id = plan_input.input_id) as "tagIds"
    from plan_input where input_id = ${inputId}`.execute(tx);
  return rows[0] as Input;
}

/** Whether the Data `way` fits: each condition is one look into an index, whatever the planner's statistics say. */
export function fits({ tagIds, pinnedId, pinnedTimestamp }: Asked): RawBuilder<unknown> {
  const conditions = [
    sql`(select status = 'done' from run where run.run_id = data.run_id)`,
    ...tagIds.map(
      (tagId) =>
        sql`coalesce((select true from data_tag where data_tag.tag_id = ${tagId} and data_tag.knit_id = way.knit_id), false)`,
    ),
    ...(pinnedId === null ? [] : [sql`way.knit_id = ${pinnedId}::uuid`]),
    ...(pinnedTimestamp === null
      ? []
      : [sql`coalesce(knit_timestamp(data.stamped_at) = ${pinnedTimestamp}, false)`]),
  ];
  return sql`(${sql.join(conditions, sql` and `)})`;
}

/** The index that leads past the most Data that don't fit: that of one id, of one instant, or of the tag that is sparsest here. */
export async function narrowestWay(tx: Tx, input: Asked, reach: Reach): Promise<RawBuilder<unknown>> {
  const { pinnedId, pinnedTimestamp } = input;
  if (pinnedId !== null) return sql`select knit_id from data where knit_id = ${pinnedId}::uuid`;
  if (pinnedTimestamp !== null) {
    return sql`select knit_id from data where stamped_at = ${pinnedTimestamp}::timestamptz`;
  }
  return sql`select knit_id from data_tag where tag_id = ${await sparsestTag(tx, input.tagIds, reach)}`;
}

/** Which Data are to be looked at: so many, after this one. */
export interface Reach {
  after?: KnitId;
  count: number;
}

/**
 * The tag whose next so many Data reach the farthest: whoever looks at those has passed the most others. It reads no more of a
 * tag than that, however many Data have it.
 */
export async function sparsestTag(
  tx: Tx,
  tagIds: readonly number[],
  { after = beforeAll, count }: Reach,
): Promise<number | undefined> {
  if (tagIds.length < 2) return tagIds[0];
  const { rows } = await sql<{ tag_id: number }>`
    select tag_id from unnest(${tagIds}::bigint[]) as asked (tag_id)
    order by (select knit_id from data_tag
              where data_tag.tag_id = asked.tag_id and knit_id > ${after}::uuid
              order by knit_id offset ${Math.max(0, count - 1)} limit 1) desc nulls first
    limit 1`.execute(tx);
  return rows[0]?.tag_id;
}
