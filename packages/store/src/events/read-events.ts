import type { KnitId, PlanId, RunId, RunStatus } from '@knitfab/core';
import { type RawBuilder, sql } from 'kysely';
import { type Connection, snapshot, type Tx, transaction } from '../database.ts';
import { type RunSummary, runSummary, tagsOfDataInFull } from '../details.ts';
import { planSummaries } from '../plan-summaries.ts';
import {
  type EventPlace,
  type EventPosition,
  firstUnseen,
  isEarlier,
  parseSnapshot,
  type Snapshot,
} from './event-position.ts';

/** What users are told (spec page 2, "New in this implementation"). */
export type EventMessage =
  | { readonly event: 'run'; readonly data: RunSummary }
  | { readonly event: 'run-deleted'; readonly data: { readonly runId: RunId } }
  | { readonly event: 'data'; readonly data: { readonly knitId: KnitId; readonly tags: readonly string[] } }
  | { readonly event: 'data-deleted'; readonly data: { readonly knitId: KnitId } };

/** An event, where it stands, and how far whoever has read it has come. */
export type StoredEvent = EventMessage & { readonly place: EventPlace; readonly position: EventPosition };

export type EventPage =
  /** What came after the position is not known any more; `position` is now. */
  | { readonly isLost: true; readonly position: EventPosition }
  | {
      readonly isLost?: false;
      readonly events: readonly StoredEvent[];
      readonly position: EventPosition;
      readonly more: boolean;
    };

/** How many events are read at once. */
const pageSize = 500;

/** The position after all that has happened. It begins an epoch where there is none. */
export async function presentPosition(db: Connection): Promise<EventPosition> {
  const known = await snapshot(db, (tx) => presentState(tx));
  if (known !== undefined) return known.present;
  await transaction(db, async (tx) => {
    await sql`delete from event_epoch where xmin <> written::xid`.execute(tx);
    const begun = await sql`insert into event_epoch default values on conflict do nothing`.execute(tx);
    if (begun.numAffectedRows === 1n) await sql`delete from event`.execute(tx);
  });
  return presentPosition(db);
}

/**
 * Reads events that come after a position, in the order of transactions as far as they committed together.
 * @param upTo not beyond what this snapshot sees; else up to now
 */
export async function readEvents(
  db: Connection,
  position: EventPosition,
  upTo?: Snapshot,
): Promise<EventPage> {
  const page = await snapshot(db, async (tx): Promise<EventPage | undefined> => {
    const state = await presentState(tx);
    if (state === undefined) return undefined;
    if (state.present.epoch !== position.epoch || firstUnseen(position.from) <= state.trimmedTo) {
      return { isLost: true, position: state.present };
    }
    const to = position.partly?.to ?? upTo ?? state.present.from;
    const rows = await eventRows(tx, position, to);
    const { epoch, from, partly } = position;
    const isAll = rows.length < pageSize;
    const end: EventPosition = { epoch, from: isEarlier(from, to) ? to : from };
    const placed = rows.map((row, index) => {
      const place = { transaction: BigInt(row.transaction), number: BigInt(row.number) };
      const isEnd = isAll && index === rows.length - 1;
      return { row, place, position: isEnd ? end : { epoch, from, partly: { to, after: place } } };
    });
    return {
      events: await messages(tx, placed),
      position: placed.at(-1)?.position ?? end,
      // Whoever was in the midst of an earlier stretch goes on with what came after it.
      more: !isAll || partly !== undefined,
    };
  });
  return page ?? { isLost: true, position: await presentPosition(db) };
}

/** Undefined after a crash, and in a copy of another database. */
async function presentState(tx: Tx): Promise<{ present: EventPosition; trimmedTo: bigint } | undefined> {
  const { rows } = await sql<{ epoch: string; trimmed_to: string; present: string }>`
    select epoch, trimmed_to::text, pg_current_snapshot()::text as present
    from event_epoch where xmin = written::xid`.execute(tx);
  const row = rows[0];
  const from = row && parseSnapshot(row.present);
  return from && { present: { epoch: row.epoch, from }, trimmedTo: BigInt(row.trimmed_to) };
}

interface EventRow {
  transaction: string;
  number: string;
  run_id: RunId | null;
  plan_id: PlanId;
  status: RunStatus | null;
  updated_at: Date;
  exit_code: number | null;
  exit_message: string | null;
  knit_id: KnitId;
  deleted: boolean;
}

const numbers = (list: readonly bigint[]): RawBuilder<unknown> => sql`${list.map(String)}::xid8[]`;

/** The events that `to` sees and `position` has not read. Each way in is a range of the primary key. */
async function eventRows(tx: Tx, { from, partly }: EventPosition, to: Snapshot): Promise<EventRow[]> {
  const after = partly?.after;
  const unread = (way: RawBuilder<unknown>) => sql`
    select * from event
    where ${way} and transaction < ${String(to.xmax)}::xid8 and transaction <> all (${numbers(to.running)})
      ${after === undefined ? sql`` : sql`and (transaction, number) > (${String(after.transaction)}::xid8, ${String(after.number)}::bigint)`}
    order by transaction, number limit ${pageSize}`;
  const { rows } = await sql<EventRow>`
    select transaction::text, number::text, run_id, plan_id, status, updated_at, exit_code, exit_message, knit_id, deleted
    from ((${unread(sql`transaction >= ${String(from.xmax)}::xid8`)})
          union all
          (${unread(sql`transaction = any (${numbers(from.running)})`)})) as unread
    order by unread.transaction, unread.number limit ${pageSize}`.execute(tx);
  return rows;
}

type Placed = { row: EventRow; place: EventPlace; position: EventPosition };

/** The rows as users are told of them. A Data that is gone by now is passed over: that is told too. */
async function messages(tx: Tx, placed: readonly Placed[]): Promise<StoredEvent[]> {
  const rows = placed.map(({ row }) => row);
  const plan = await planSummaries(
    tx,
    new Set(rows.flatMap((row) => (row.run_id === null ? [] : row.plan_id))),
  );
  const knitIds = rows.flatMap((row) => (row.run_id === null && !row.deleted ? row.knit_id : []));
  const { rows: existing } = await sql<{ knit_id: KnitId }>`
    select knit_id from data where knit_id = any (${[...new Set(knitIds)]}::uuid[])`.execute(tx);
  const existingIds = new Set(existing.map((row) => row.knit_id));
  const tags = await tagsOfDataInFull(tx, [...existingIds]);
  const message = (row: EventRow): EventMessage | undefined => {
    const { run_id: runId, knit_id: knitId, status, deleted } = row;
    if (runId === null) {
      if (deleted) return { event: 'data-deleted', data: { knitId } };
      return existingIds.has(knitId) ? { event: 'data', data: { knitId, tags: tags(knitId) } } : undefined;
    }
    if (status === null || status === 'invalidated') return { event: 'run-deleted', data: { runId } };
    return { event: 'run', data: runSummary({ ...row, run_id: runId, status }, plan(row.plan_id)) };
  };
  return placed.flatMap(({ row, place, position }) => {
    const told = message(row);
    return told === undefined ? [] : [{ ...told, place, position }];
  });
}
