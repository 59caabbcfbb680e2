import type { Exit, FailureCause, KnitId, OnNode, PlanId, Resources, RunId, RunStatus } from '@knitfab/core';
import { sql } from 'kysely';
import type { Connection, Tx } from './database.ts';
import { isDue, postponed } from './due.ts';
import { locks } from './locks.ts';

/** A Run in the hands of a loop: its row is locked until the transaction ends. */
export interface ClaimedRun {
  runId: RunId;
  planId: PlanId;
  status: RunStatus;
  worker: string | null;
  failures: number;
  /** Which attempt it is, from 1. */
  attempt: number;
}

export interface Claim {
  statuses: readonly RunStatus[];
  limit: number;
  /** Only these, whether or not they are backing off. */
  among?: readonly RunId[];
  /** Only those that a user has ended, or only those that ended by themselves. */
  stopped?: boolean;
  /** Not these. */
  except?: readonly RunId[];
}

/** Takes Runs in one of the statuses whose turn it is and that nobody else has, oldest first. */
export async function claimRuns(
  tx: Tx,
  { statuses, limit, among, stopped, except = [] }: Claim,
): Promise<ClaimedRun[]> {
  const { rows } = await sql<ClaimedRun>`
    select run_id as "runId", plan_id as "planId", status, worker, failures, attempt
    from run
    where status = any (${statuses}::text[])
      and status in ('deactivated', 'waiting', 'ready', 'starting', 'running', 'completing', 'aborting')
      ${among === undefined ? sql`and ${isDue}` : sql`and run_id = any (${among}::uuid[])`}
      ${stopped === undefined ? sql`` : sql`and stopped = ${stopped}`}
      ${except.length === 0 ? sql`` : sql`and run_id <> all (${except}::uuid[])`}
    order by run_id
    limit ${limit}
    for no key update skip locked`.execute(tx);
  return rows;
}

/**
 * When to look again for Runs in these statuses: when the first of them has backed off; soon, if one is due that could not
 * be claimed because somebody else had it. Undefined when there are none.
 */
export async function nextRunDue(
  tx: Tx,
  { statuses, stopped }: Pick<Claim, 'statuses' | 'stopped'>,
): Promise<Date | undefined> {
  const { rows } = await sql<{ due: Date | null }>`
    select greatest(min(next_attempt_at), clock_timestamp() + interval '200 milliseconds') as due
    from run
    where status = any (${statuses}::text[])
      and status in ('deactivated', 'waiting', 'ready', 'starting', 'running', 'completing', 'aborting')
      ${stopped === undefined ? sql`` : sql`and stopped = ${stopped}`}
    having count(*) > 0`.execute(tx);
  return rows[0]?.due ?? undefined;
}

/** Notes that a step failed for a Run: it is tried again after a pause that doubles, from 1 s up to 5 minutes. */
export async function postponeRun(tx: Tx, runId: RunId, problem: string): Promise<Date> {
  const { rows } = await sql<{ next_attempt_at: Date }>`
    update run
    set ${postponed(problem)}
    where run_id = ${runId}
    returning next_attempt_at`.execute(tx);
  return rows[0]?.next_attempt_at ?? new Date();
}

/** How long a Run is kept from others, unless that is said again. */
const keptSeconds = 20;

/** Keeps Runs that are being worked on between transactions from others that look for such as are due. */
export async function keepRuns(tx: Tx, runIds: readonly RunId[]): Promise<void> {
  if (runIds.length === 0) return;
  // Not each time that it is said: rows that change seldom are cheap.
  await sql`
    update run set next_attempt_at = clock_timestamp() + ${keptSeconds} * interval '1 second'
    where run_id = any (${runIds}::uuid[])
      and next_attempt_at < clock_timestamp() + ${keptSeconds / 2} * interval '1 second'`.execute(tx);
}

/** The volumes of Runs, and what their Plans say of how to run them. */
export interface RunMaterial {
  runId: RunId;
  planId: PlanId;
  /** The worker's name; null before the Run is ready. */
  worker: string | null;
  image: string;
  entrypoint: string[] | null;
  args: string[] | null;
  resources: Resources;
  onNode: OnNode;
  serviceAccount: string | null;
  inputs: { path: string; volume: string; knitId: KnitId }[];
  outputs: { path: string; volume: string; knitId: KnitId }[];
  log: { volume: string; knitId: KnitId } | null;
}

/** All that is needed to make the workers of these Runs. */
export async function runMaterials(db: Connection | Tx, runIds: readonly RunId[]): Promise<RunMaterial[]> {
  const { rows } = await sql<RunMaterial>`
    select run_id as "runId", plan_id as "planId", worker, coalesce(image_repository || ':' || image_tag, name) as image,
           entrypoint, args, resources, on_node as "onNode", service_account as "serviceAccount",
           coalesce((select jsonb_agg(jsonb_build_object('path', path, 'volume', volume_ref, 'knitId', data.knit_id)
                                      order by position)
                     from run_input join plan_input using (input_id) join data using (knit_id)
                     where run_input.run_id = run.run_id), '[]') as inputs,
           coalesce((select jsonb_agg(jsonb_build_object('path', path, 'volume', volume_ref, 'knitId', data.knit_id)
                                      order by path)
                     from data join plan_output using (output_id)
                     where data.run_id = run.run_id and path is not null), '[]') as outputs,
           (select jsonb_build_object('volume', volume_ref, 'knitId', data.knit_id)
            from data join plan_output using (output_id)
            where data.run_id = run.run_id and path is null) as log
    from run join plan using (plan_id)
    where run_id = any (${runIds}::uuid[])
    order by run_id`.execute(db);
  return rows;
}

/**
 * Names the workers of Runs that are about to be ready. Each attempt has another one: what is left of an attempt before, such as
 * a worker that was started late, is not taken for the present one's.
 */
export async function nameWorkers(tx: Tx, runIds: readonly RunId[]): Promise<void> {
  await sql`
    update run set worker = 'worker-run-' || run_id || case when attempt = 1 then '' else '-' || attempt end
    where run_id = any (${runIds}::uuid[])`.execute(tx);
}

/** Notes what a worker takes of the machine, from the moment that it is started (cores, bytes). */
export async function reserve(tx: Tx, runId: RunId, amount: { cpu: number; memory: number }): Promise<void> {
  await tx.updateTable('run').set(amount).where('run_id', '=', runId).execute();
}

/** What all workers that may still run take together (cores, bytes). */
export async function reserved(tx: Tx): Promise<{ cpu: number; memory: number }> {
  const { rows } = await sql<{ cpu: number; memory: number }>`
    select coalesce(sum(cpu), 0) as cpu, coalesce(sum(memory), 0) as memory
    from run
    where status in ('starting', 'running') or (status in ('completing', 'aborting') and stopped)`.execute(
    tx,
  );
  return rows[0] ?? { cpu: 0, memory: 0 };
}

/** What was seen of a worker. */
export interface Observation {
  runId: RunId;
  exit?: Exit;
  /** Whose fault a failure is. */
  cause?: FailureCause;
  /** What was really executed (engine: `Execution`). */
  execution?: object;
  /** What it waits for. */
  problem?: string;
}

/** Keeps what was seen of workers. */
export async function recordObservations(tx: Tx, observations: readonly Observation[]): Promise<void> {
  if (observations.length === 0) return;
  const rows = observations.map(({ runId, exit, cause, execution, problem }) => ({
    run_id: runId,
    exit_code: exit?.code,
    exit_message: exit?.message,
    cause,
    execution,
    problem: problem?.slice(0, 2000),
  }));
  // jsonb can't hold U+0000, and what a worker made is not to be trusted with that.
  const json = JSON.stringify(rows).replaceAll('\\u0000', '\\ufffd');
  await sql`
    update run
    set exit_code = coalesce(seen.exit_code, run.exit_code),
        exit_message = coalesce(seen.exit_message, run.exit_message),
        cause = coalesce(seen.cause, run.cause),
        execution = coalesce(seen.execution, run.execution),
        problem = seen.problem
    from jsonb_to_recordset(${json}::jsonb)
         as seen (run_id uuid, exit_code smallint, exit_message text, cause text, execution jsonb,
                  problem text)
    where run.run_id = seen.run_id`.execute(tx);
}

/** The Runs among these, or among all, whose workers should exist or are about to. */
export async function runsUnderWay(db: Connection | Tx, among?: readonly RunId[]): Promise<RunId[]> {
  const { rows } = await sql<{ run_id: RunId }>`
    select run_id from run
    where status in ('ready', 'starting', 'running') and worker is not null
      ${among === undefined ? sql`` : sql`and run_id = any (${among}::uuid[])`}`.execute(db);
  return rows.map((row) => row.run_id);
}

/** The Runs among these, or among all, whose workers exist: they have been started, and their end has not been seen. */
export async function startedRuns(db: Connection | Tx, among?: readonly RunId[]): Promise<RunId[]> {
  const { rows } = await sql<{ run_id: RunId }>`
    select run_id from run
    where status in ('starting', 'running') and worker is not null
      ${among === undefined ? sql`` : sql`and run_id = any (${among}::uuid[])`}`.execute(db);
  return rows.map((row) => row.run_id);
}

/** A worker that exists, and the Run that its name tells. */
export interface NamedWorker {
  runId: RunId;
  name: string;
}

/** The workers that should exist: of Runs that have been started, and whose end has not been seen. */
export async function startedWorkers(db: Connection | Tx): Promise<NamedWorker[]> {
  const { rows } = await sql<NamedWorker>`
    select run_id as "runId", worker as name from run
    where status in ('starting', 'running') and worker is not null`.execute(db);
  return rows;
}

/** Those of these workers that no Run has: of finished ones, of such as do not exist, and of earlier attempts. */
export async function strayWorkers(
  db: Connection | Tx,
  workers: readonly NamedWorker[],
): Promise<NamedWorker[]> {
  if (workers.length === 0) return [];
  const runIds = workers.map(({ runId }) => runId);
  const names = workers.map(({ name }) => name);
  const { rows } = await sql<NamedWorker>`
    select run_id as "runId", name from unnest(${runIds}::uuid[], ${names}::text[]) as existing (run_id, name)
    where not exists (select from run
                      where run.run_id = existing.run_id and run.worker = existing.name
                        and status in ('ready', 'starting', 'running', 'completing', 'aborting'))`.execute(
    db,
  );
  return rows;
}

/** Takes the row of a worker's Run, if there is one, and says whether the worker is still one that no Run has. */
export async function holdStrayWorker(tx: Tx, worker: NamedWorker): Promise<boolean> {
  await sql`select from run where run_id = ${worker.runId} for no key update`.execute(tx);
  return (await strayWorkers(tx, [worker])).length > 0;
}

/** Notes for Runs that are ready what they wait for. */
export async function noteWaiting(tx: Tx, runIds: readonly RunId[], problem: string): Promise<void> {
  await sql`
    update run set problem = ${problem}
    where run_id = any (${runIds}::uuid[]) and problem is distinct from ${problem}`.execute(tx);
}

/** Lets only one transaction at a time reserve room for workers. */
export async function lockReservations(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(${locks.reservations})`.execute(tx);
}
