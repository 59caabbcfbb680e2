import { type RawBuilder, sql } from 'kysely';
import type { Tx } from './database.ts';
import { beyondPauses, isDue, now } from './due.ts';
import { locks } from './locks.ts';
import type { ClaimedRun } from './run-claims.ts';

// Which of the waiting Runs come next (spec page 8, row 8): those of the highest priority; among Plans of equal priority by
// turns, so that one with 10,000 Runs does not hold up one with a single Run; within a Plan the oldest first. Limits of the
// Plan and of the system, and a pause, hold Runs back.

/**
 * Runs that count against limits: one with a worker's name takes its place until it is finished, or until it gives it up because
 * its worker can't be started (giveUpPlaces).
 */
export const underWay = sql`status in ('ready', 'starting', 'running', 'completing', 'aborting') and worker is not null and not without_place`;

export interface AdmissionRequest {
  /** The most Runs to take. */
  limit: number;
  /**
   * How many Runs may be ready at once, those of lower priority left aside: where a machine's room is scarce, volumes are not
   * made long before they are needed. Any number when absent.
   */
  ahead?: number;
}

export interface Admission {
  /** The Runs, locked until the transaction ends. */
  runs: ClaimedRun[];
  /** When to look again, though nothing notifies of it. */
  nextAt?: Date;
}

/** When to look again for what somebody else has at the moment. */
const soonMilliseconds = 200;

/** Takes Runs to prepare, those that come next: they wait, or they are ready and have given up their place. */
export async function admitRuns(tx: Tx, request: AdmissionRequest): Promise<Admission> {
  const terms = await admissionTerms(tx);
  if (terms.paused || !(terms.isAnyFirst || terms.isAnyAgain)) return { runs: [] };
  // Whoever fills the limits at the moment may go away before it has, as may whoever has a Run.
  const soon = { nextAt: new Date(Date.now() + soonMilliseconds) };
  if (terms.room !== null && terms.room <= 0) return { runs: [], ...(!terms.mayFill && soon) };
  const limit = Math.min(request.limit, terms.room ?? request.limit);
  const { rows } = await sql<{ places: number; run: ClaimedRun | null }>`
    ${places({ ...request, limit }, terms)}, claimed as (
      select run.run_id as "runId", run.plan_id as "planId", status, worker, failures, attempt, place
      from place join run using (run_id)
      where ${waitsForPlace}
      order by place
      for no key update of run skip locked
    )
    select places, case when claimed."runId" is not null then to_jsonb(claimed) - 'place' end as run
    from (select count(*)::int as places from place) as all_of_them left join claimed on true
    order by claimed.place`.execute(tx);
  const runs = rows.flatMap(({ run }) => run ?? []);
  if (runs.length > 0) return { runs };
  if (!terms.mayFill || (rows[0]?.places ?? 0) > 0) return { runs, ...soon };
  const nextAt = terms.isAnyAgain ? await nextPauseOver(tx) : undefined;
  return { runs, ...(nextAt && { nextAt }) };
}

/** When the first of the Runs that back off is due; undefined when there are none. */
async function nextPauseOver(tx: Tx): Promise<Date | undefined> {
  const { rows } = await sql<{ due: Date | null }>`
    with recursive ${waitingPlan({ isAnyFirst: false, isAnyAgain: true })}
    select min(due_at) as due from waiting_plan cross join lateral (
      select next_attempt_at as due_at from run
      where ${waitingAgain} and run.plan_id = waiting_plan.plan_id and next_attempt_at > ${now}
      order by next_attempt_at limit 1) as next_one`.execute(tx);
  return rows[0]?.due ?? undefined;
}

/** Whether any Run waits that never failed, or that is to be tried again some time: a statement without the one or the other is planned in half the time. */
interface Kinds {
  isAnyFirst: boolean;
  isAnyAgain: boolean;
}

interface Terms extends Kinds {
  paused: boolean;
  /** Whether this transaction may fill limits: else somebody else does at the moment. */
  mayFill: boolean;
  /** How many more the system's limit allows; null: any number. */
  room: number | null;
}

/**
 * What holds for this admission. Whoever fills up a limit, be it a Plan's or the system's, has taken the lock before counting,
 * so that copies of the loop can't fill it twice; Runs without a limit are admitted without it.
 */
async function admissionTerms(tx: Tx): Promise<Terms> {
  const { rows } = await sql<Omit<Terms, 'room'> & { maxRunning: number | null }>`
    select paused_at is not null as paused, max_running as "maxRunning",
           exists (select from run where ${waitingFirst}) as "isAnyFirst",
           exists (select from run where ${waitingAgain}) as "isAnyAgain",
           pg_try_advisory_xact_lock(${locks.admission}) as "mayFill"
    from system`.execute(tx);
  const [row] = rows;
  if (row === undefined) throw new Error('the table system has no row');
  const { maxRunning, ...terms } = row;
  if (maxRunning === null) return { ...terms, room: null };
  return { ...terms, room: terms.mayFill ? maxRunning - (await countUnderWay(tx)) : 0 };
}

async function countUnderWay(tx: Tx): Promise<number> {
  const { rows } = await sql<{ runs: number }>`select count(*) as runs from run where ${underWay}`.execute(
    tx,
  );
  return rows[0]?.runs ?? 0;
}

// The two parts of what waits; each has an index of its own, so that Runs that back off cost nothing until they are due.
const waitingFirst = sql`status = 'waiting' and next_attempt_at = '-infinity'`;
const waitsForPlace = sql`(status = 'waiting' or status = 'ready' and without_place)`;
const waitingAgain = sql`${waitsForPlace} and next_attempt_at > '-infinity'`;

/** The distinct Plans of waiting Runs: one look into each index for each. */
function waitingPlan(kinds: Kinds): RawBuilder<unknown> {
  const after = (planId: RawBuilder<unknown>) => {
    const first = (waiting: RawBuilder<unknown>) =>
      sql`(select run.plan_id from run where ${waiting} and run.plan_id > ${planId} order by run.plan_id limit 1)`;
    return sql`least(${sql.join([
      ...(kinds.isAnyFirst ? [first(waitingFirst)] : []),
      ...(kinds.isAnyAgain ? [first(waitingAgain)] : []),
    ])})`;
  };
  return sql`waiting_plan (plan_id) as (
    select ${after(sql`'00000000-0000-0000-0000-000000000000'::uuid`)}
    union all
    select ${after(sql`waiting_plan.plan_id`)} from waiting_plan where waiting_plan.plan_id is not null
  )`;
}

/**
 * The table `place`: the Runs that come next, numbered from 1, behind those that are ready already. The first so many Runs are
 * of the first so many Plans, in the order of their oldest Runs; the others are not looked at.
 */
function places({ limit, ahead }: AdmissionRequest, terms: Terms): RawBuilder<unknown> {
  const within = ahead === undefined ? sql`true` : sql`place + before <= ${ahead}`;
  return sql`
    with recursive ${waitingPlan(terms)}, taken as materialized (
      select plan_id, count(*) as runs from run where ${underWay} group by plan_id
    ), ready as materialized (
      -- those that could not be started and back off hold up nobody
      select priority, count(*) as runs from run join plan using (plan_id)
      where ${underWay} and status = 'ready' and ${isDue} group by priority
    ), next_plan as materialized (
      select plan_id, priority, coalesce(taken.runs, 0) as taken,
             least(${limit}, max_running - coalesce(taken.runs, 0)) as room,
             (select coalesce(sum(ready.runs), 0) from ready where ready.priority >= plan.priority) as before
      from waiting_plan join plan using (plan_id) left join taken using (plan_id)
      cross join lateral (${oldestWaiting(terms, sql`plan.plan_id`, sql`1`)}) as oldest
      where (max_running is null or ${terms.mayFill})
        and coalesce(taken.runs, 0) < coalesce(max_running, coalesce(taken.runs, 0) + 1)
      order by priority desc, coalesce(taken.runs, 0), oldest.run_id
      limit ${limit}
    ), candidate as (
      select run_id, priority, before, taken + row_number() over (partition by plan_id order by run_id) as turn
      from next_plan cross join lateral (${oldestWaiting(terms, sql`next_plan.plan_id`, sql`room`)}) as oldest
    ), numbered as (
      select run_id, before, row_number() over (order by priority desc, turn, run_id) as place from candidate
    ), place as materialized (
      select run_id, place from numbered where ${within} order by place limit ${limit}
    )`;
}

/** The oldest Runs of a Plan that wait, of those that are tried again the first that were due; no more than `count` of each are read. */
function oldestWaiting(
  kinds: Kinds,
  planId: RawBuilder<unknown>,
  count: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const runs = (which: RawBuilder<unknown>, order: RawBuilder<unknown>) =>
    sql`(select run_id from run where ${which} and run.plan_id = ${planId} order by ${order} limit ${count})`;
  const due = [
    ...(kinds.isAnyFirst ? [runs(waitingFirst, sql`run_id`)] : []),
    ...(kinds.isAnyAgain
      ? [
          runs(sql`${waitingAgain} and next_attempt_at <= ${now}`, sql`next_attempt_at`),
          runs(sql`${waitingAgain} and next_attempt_at > ${beyondPauses}`, sql`next_attempt_at`),
        ]
      : []),
  ];
  return sql`select run_id from (${sql.join(due, sql` union all `)}) as due order by run_id limit ${count}`;
}
