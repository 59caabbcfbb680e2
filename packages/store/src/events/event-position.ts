import { isUuid } from '@knitfab/core';

// How far a reader of events has come. Numbers from a sequence would not do: they are given before transactions commit, so a
// reader that has seen 7 may never see 6. Instead a position says which transactions have been read: those that a snapshot
// sees. Snapshots of one database are nested: a later one sees all that an earlier one sees, and some more. What is new is
// what the later one sees and the earlier one does not, however late it was committed and whatever its number.

/** Which transactions count as committed: PostgreSQL's `pg_snapshot`. */
export interface Snapshot {
  /** Transactions from this one on had not ended. */
  readonly xmax: bigint;
  /** Those before `xmax` that had not ended either, ascending. */
  readonly running: readonly bigint[];
}

/** A place among the events that a snapshot sees: they are in the order of transaction and number. */
export interface EventPlace {
  readonly transaction: bigint;
  readonly number: bigint;
}

/**
 * All events that `from` sees have been read; and when some of those that `to` sees besides have been read too, those up to
 * `after`. `epoch` is the life of the table of events: a crash of the database begins another one.
 */
export interface EventPosition {
  readonly epoch: string;
  readonly from: Snapshot;
  readonly partly?: { readonly to: Snapshot; readonly after: EventPlace };
}

const sees = ({ xmax, running }: Snapshot, transaction: bigint): boolean =>
  transaction < xmax && !running.includes(transaction);

const isUpTo = (place: EventPlace, last: EventPlace): boolean =>
  place.transaction < last.transaction ||
  (place.transaction === last.transaction && place.number <= last.number);

/** Whether the event at this place has been read. */
export const covers = ({ from, partly }: EventPosition, place: EventPlace): boolean =>
  sees(from, place.transaction) ||
  (partly !== undefined && sees(partly.to, place.transaction) && isUpTo(place, partly.after));

/** Whether one snapshot was taken before the other, of the same database. */
export const isEarlier = (one: Snapshot, other: Snapshot): boolean =>
  one.xmax < other.xmax || (one.xmax === other.xmax && one.running.length > other.running.length);

/** The first transaction that the snapshot may not see. */
export const firstUnseen = ({ xmax, running }: Snapshot): bigint => running[0] ?? xmax;

/** Reads PostgreSQL's `xmin:xmax:running,running`; undefined when it is none. */
export function parseSnapshot(text: string): Snapshot | undefined {
  const [, xmin, xmax, list] = /^(\d{1,20}):(\d{1,20}):([\d,]*)$/.exec(text) ?? [];
  if (xmin === undefined || xmax === undefined || list === undefined) return undefined;
  const parts = list === '' ? [] : list.split(',');
  if (!parts.every((part) => /^\d{1,20}$/.test(part))) return undefined;
  const running = parts.map(BigInt);
  const bounds = [BigInt(xmin), ...running, BigInt(xmax)];
  const isAscending = running.every((each, index) => each > (running[index - 1] ?? -1n));
  const isWithin = bounds.every((each) => each >= BigInt(xmin) && each <= BigInt(xmax) && each < 2n ** 64n);
  return isAscending && isWithin ? { xmax: BigInt(xmax), running } : undefined;
}

const formatSnapshot = (snapshot: Snapshot): string =>
  `${firstUnseen(snapshot)}:${snapshot.xmax}:${snapshot.running.join(',')}`;

/** A position as text for the `id` of an event: users hand it back and read nothing into it. */
export function formatPosition({ epoch, from, partly }: EventPosition): string {
  const whole = `${epoch}/${formatSnapshot(from)}`;
  if (partly === undefined) return whole;
  return `${whole}/${formatSnapshot(partly.to)}/${partly.after.transaction}.${partly.after.number}`;
}

/** Longer than any: a snapshot names as many transactions as there are connections. */
const longestText = 32_768;

/** Reads the text of a position; undefined when it is none. */
export function parsePosition(text: string): EventPosition | undefined {
  if (text.length > longestText) return undefined;
  const [epoch = '', fromText = '', toText, afterText = '', ...more] = text.split('/');
  const from = parseSnapshot(fromText);
  if (!isUuid(epoch) || from === undefined || more.length > 0) return undefined;
  if (toText === undefined) return { epoch, from };
  const to = parseSnapshot(toText);
  const [, transaction, number] = /^(\d{1,19})\.(\d{1,18})$/.exec(afterText) ?? [];
  if (to === undefined || transaction === undefined || number === undefined) return undefined;
  return { epoch, from, partly: { to, after: { transaction: BigInt(transaction), number: BigInt(number) } } };
}
