import { type FailureCause, formatTime, type RunId, type RunStatus } from '@knitfab/core';
import { sql } from 'kysely';
import { underWay } from './admission.ts';
import type { Tx } from './database.ts';
import { readSystem, type System } from './system.ts';

/** What an earlier attempt of a Run came to. */
export interface Attempt {
  attempt: number;
  endedAt: string;
  exit?: { code: number; message: string };
  cause?: FailureCause;
  execution?: object;
}

interface AttemptRow {
  run_id: RunId;
  attempt: number;
  ended_at: Date;
  exit_code: number | null;
  exit_message: string | null;
  cause: FailureCause | null;
  execution: object | null;
}

/** The attempts of Runs before their present ones, the first first, by Run. */
export async function earlierAttempts(
  tx: Tx,
  runIds: readonly RunId[],
): Promise<(runId: RunId) => Attempt[] | undefined> {
  const { rows } = await sql<AttemptRow>`
    select run_id, attempt, ended_at, exit_code, exit_message, cause, execution
    from run_attempt where run_id = any (${runIds}::uuid[]) order by run_id, attempt`.execute(tx);
  const byRun = Map.groupBy(rows, (row) => row.run_id);
  return (runId) => byRun.get(runId)?.map(written);
}

const written = (row: AttemptRow): Attempt => ({
  attempt: row.attempt,
  endedAt: formatTime(row.ended_at),
  ...(row.exit_code !== null && { exit: { code: row.exit_code, message: row.exit_message ?? '' } }),
  ...(row.cause !== null && { cause: row.cause }),
  ...(row.execution !== null && { execution: row.execution }),
});

interface HeldRow {
  run_id: RunId;
  max_running: number | null;
  /** Runs under way of its Plan, and of all. */
  under_way: number;
  all_under_way: number;
}

/** Why Runs that are not being tried at the moment wait (spec page 8, row 7), in words, by Run. */
export async function reasonsToWait(
  tx: Tx,
  runs: readonly { runId: RunId; status: RunStatus }[],
): Promise<(runId: RunId) => string | undefined> {
  const waiting = runs.filter(({ status }) => status === 'waiting' || status === 'ready');
  const deactivated = new Set(
    runs.filter(({ status }) => status === 'deactivated').map(({ runId }) => runId),
  );
  const held = waiting.length === 0 ? new Map<RunId, string>() : await holds(tx, waiting);
  return (runId) => (deactivated.has(runId) ? 'its Plan is not active' : held.get(runId));
}

async function holds(
  tx: Tx,
  waiting: readonly { runId: RunId; status: RunStatus }[],
): Promise<Map<RunId, string>> {
  const system = await readSystem(tx);
  const { rows } = await sql<HeldRow>`
    with taken as (select plan_id, count(*) as runs from run where ${underWay} group by plan_id)
    select run_id, plan.max_running, coalesce(taken.runs, 0) as under_way,
           (select coalesce(sum(runs), 0)::bigint from taken) as all_under_way
    from run join plan using (plan_id) left join taken using (plan_id)
    where run_id = any (${waiting.map(({ runId }) => runId)}::uuid[])`.execute(tx);
  const statusOf = new Map(waiting.map(({ runId, status }) => [runId, status]));
  return new Map(
    rows.flatMap((row) => {
      const reason = hold(row, statusOf.get(row.run_id) === 'waiting', system);
      return reason === undefined ? [] : [[row.run_id, reason]];
    }),
  );
}

function hold(
  { max_running, under_way, all_under_way }: HeldRow,
  isWaiting: boolean,
  system: System,
): string | undefined {
  if (system.paused) {
    const { since, reason } = system.paused;
    return `the system is paused since ${formatTime(since)}${reason ? `: ${reason}` : ''} (\`knit resume\` goes on)`;
  }
  if (isWaiting && max_running !== null && under_way >= max_running) {
    return `max_running of its Plan is ${max_running}, and so many of its Runs are under way`;
  }
  if (isWaiting && system.maxRunning !== undefined && all_under_way >= system.maxRunning) {
    return `no more than ${system.maxRunning} Runs may be under way at once (\`knit limits\`)`;
  }
  return undefined;
}
