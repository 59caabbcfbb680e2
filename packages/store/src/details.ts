import {
  type FailureCause,
  formatTag,
  formatTime,
  idTagKey,
  type KnitId,
  type OnNode,
  type PlanId,
  type Resources,
  type RunId,
  type RunStatus,
  timestampTagKey,
  transientTagKey,
} from '@knitfab/core';
import { sql } from 'kysely';
import { noSuchData } from './data.ts';
import type { Tx } from './database.ts';
import {
  byId,
  inputPoints,
  type LogPoint,
  type Mountpoint,
  mountpoint,
  outputPoints,
  type Point,
  placed,
} from './mountpoints.ts';
import { connectedPoints } from './plan-connections.ts';
import { noSuchPlan } from './plan-lock.ts';
import { schedulingOnWire } from './plan-scheduling.ts';
import { found, type PlanSummary, planSummaries } from './plan-summaries.ts';
import { type Attempt, earlierAttempts, reasonsToWait } from './run-progress.ts';
import { noSuchRun } from './run-requests.ts';
import { tagsOfData, written } from './tags.ts';

// The three things as users see them (spec page 2, "Shapes"), many at a time: a fixed number of queries, however many.

export interface RunSummary {
  runId: RunId;
  status: RunStatus;
  updatedAt: string;
  exit?: { code: number; message: string };
  plan: PlanSummary;
}

export interface RunDetail extends RunSummary {
  inputs: (Mountpoint & { knitId: KnitId })[];
  outputs: (Mountpoint & { knitId: KnitId })[];
  log: (LogPoint & { knitId: KnitId }) | null;
  /** Additions of ours: how often it was tried and what came of it, what holds it up, and what was really executed. */
  attempt?: number;
  attempts?: Attempt[];
  cause?: FailureCause;
  problem?: string;
  execution?: object;
}

export interface DataDetail {
  knitId: KnitId;
  tags: string[];
  upstream: { run: RunSummary } & ({ mountpoint: Mountpoint } | { log: LogPoint });
  downstreams: { mountpoint: Mountpoint; run: RunSummary }[];
  nomination: (Mountpoint & { plan: PlanSummary })[];
}

export interface PlanDetail extends PlanSummary {
  inputs: (Mountpoint & {
    upstreams: ({ plan: PlanSummary } & ({ mountpoint: Mountpoint } | { log: LogPoint }))[];
  })[];
  outputs: (Mountpoint & { downstreams: Downstream[] })[];
  log?: LogPoint & { downstreams: Downstream[] };
  active: boolean;
  on_node?: OnNode;
  resources?: Resources;
  service_account?: string;
  max_running?: number;
  priority?: number;
  retry?: { lost: number; error: number; backoff: string };
}

type Downstream = { plan: PlanSummary; mountpoint: Mountpoint };

interface RunRow {
  run_id: RunId;
  plan_id: PlanId;
  status: RunStatus;
  updated_at: Date;
  exit_code: number | null;
  exit_message: string | null;
  attempt: number;
  cause: FailureCause | null;
  problem: string | null;
  execution: object | null;
}

async function runRows(tx: Tx, runIds: readonly RunId[]): Promise<RunRow[]> {
  const { rows } = await sql<RunRow>`
    select run_id, plan_id, status, updated_at, exit_code, exit_message, attempt, cause, problem, execution
    from run where run_id = any (${[...new Set(runIds)]}::uuid[]) and status <> 'invalidated'`.execute(tx);
  return rows;
}

/** What a Run is summed up from. */
const summaryColumns = sql.raw('run_id, plan_id, status, updated_at, exit_code, exit_message');

type SummaryRow = Pick<RunRow, 'run_id' | 'status' | 'updated_at' | 'exit_code' | 'exit_message'>;

/** A Run in short. */
export const runSummary = (row: SummaryRow, plan: PlanSummary): RunSummary => ({
  runId: row.run_id,
  status: row.status,
  updatedAt: formatTime(row.updated_at),
  ...(row.exit_code !== null && { exit: { code: row.exit_code, message: row.exit_message ?? '' } }),
  plan,
});

/** Runs by id. */
export async function runSummaries(tx: Tx, runIds: readonly RunId[]): Promise<(runId: RunId) => RunSummary> {
  const { rows } = await sql<SummaryRow & { plan_id: PlanId }>`
    select ${summaryColumns}
    from run where run_id = any (${[...new Set(runIds)]}::uuid[]) and status <> 'invalidated'`.execute(tx);
  const plan = await planSummaries(
    tx,
    rows.map((row) => row.plan_id),
  );
  const summaries = new Map(rows.map((row) => [row.run_id, runSummary(row, plan(row.plan_id))]));
  return (runId) => found(summaries, runId);
}

/**
 * Runs in full, in the order of the ids.
 * @throws {NotFound} when one does not exist
 */
export async function runDetails(tx: Tx, runIds: readonly RunId[]): Promise<RunDetail[]> {
  const rows = await runRows(tx, runIds);
  const rowOf = new Map(rows.map((row) => [row.run_id, row]));
  const plan = await planSummaries(
    tx,
    rows.map((row) => row.plan_id),
  );
  const { rows: inputs } = await sql<{ run_id: RunId; input_id: number; knit_id: KnitId }>`
    select run_id, input_id, knit_id from run_input where run_id = any (${runIds}::uuid[])`.execute(tx);
  const { rows: outputs } = await sql<{ run_id: RunId; output_id: number; knit_id: KnitId }>`
    select run_id, output_id, knit_id from data where run_id = any (${runIds}::uuid[])`.execute(tx);
  const planIds = rows.map((row) => row.plan_id);
  const inputsOf = Map.groupBy(await inputPoints(tx, { planIds }), (point) => point.planId);
  const outputsOf = Map.groupBy(await outputPoints(tx, { planIds }), (point) => point.planId);
  const usedBy = Map.groupBy(inputs, (row) => row.run_id);
  const madeBy = Map.groupBy(outputs, (row) => row.run_id);
  const retried = rows.filter((row) => row.attempt > 1).map((row) => row.run_id);
  const earlier = await earlierAttempts(tx, retried);
  const reason = await reasonsToWait(
    tx,
    rows.map((row) => ({ runId: row.run_id, status: row.status })),
  );
  return runIds.map((runId) => {
    const row = rowOf.get(runId);
    if (row === undefined) throw noSuchRun(runId);
    const used = new Map(usedBy.get(runId)?.map((each) => [each.input_id, each.knit_id]));
    const made = new Map(madeBy.get(runId)?.map((each) => [each.output_id, each.knit_id]));
    const filled = (points: Point[] | undefined, ids: Map<number, KnitId>) =>
      (points ?? []).flatMap((point) => {
        const knitId = ids.get(point.id);
        return knitId === undefined ? [] : [{ point, knitId }];
      });
    const results = filled(outputsOf.get(row.plan_id), made);
    const log = results.find(({ point }) => point.path === undefined);
    return {
      ...runSummary(row, plan(row.plan_id)),
      inputs: filled(inputsOf.get(row.plan_id), used).map(({ point, knitId }) => ({
        ...mountpoint(point),
        knitId,
      })),
      outputs: results
        .filter(({ point }) => point.path !== undefined)
        .map(({ point, knitId }) => ({ ...mountpoint(point), knitId })),
      log: log === undefined ? null : { tags: log.point.tags, knitId: log.knitId },
      ...(row.attempt > 1 && { attempt: row.attempt }),
      ...(row.attempt > 1 && { attempts: earlier(runId) ?? [] }),
      ...(row.cause !== null && { cause: row.cause }),
      ...problemOf(row, reason(runId)),
      ...(row.execution !== null && { execution: row.execution }),
    };
  });
}

/** Why the Run does not get on: what went wrong last, or what it waits for. */
function problemOf({ problem }: RunRow, reason: string | undefined): { problem?: string } {
  const said = problem ?? reason;
  return said === undefined ? {} : { problem: said };
}

interface DataRow extends SummaryRow {
  plan_id: PlanId;
  knit_id: KnitId;
  output_id: number;
  stamped_at: Date | null;
}

interface UseRow extends SummaryRow {
  plan_id: PlanId;
  knit_id: KnitId;
  input_id: number;
}

/**
 * Data in full, in the order of the ids.
 * @throws {NotFound} when one does not exist
 */
export async function dataDetails(tx: Tx, knitIds: readonly KnitId[]): Promise<DataDetail[]> {
  const { rows } = await sql<DataRow>`
    select knit_id, output_id, stamped_at, ${summaryColumns} from data join run using (run_id)
    where knit_id = any (${knitIds}::uuid[])`.execute(tx);
  const { rows: uses } = await sql<UseRow>`
    select knit_id, input_id, ${summaryColumns} from run_input join run using (run_id)
    where knit_id = any (${knitIds}::uuid[])
    order by updated_at, run_id`.execute(tx);
  const { rows: nominations } = await sql<{ knit_id: KnitId; input_id: number }>`
    select knit_id, input_id from nomination where knit_id = any (${knitIds}::uuid[])`.execute(tx);
  const tags = await tagsOfData(tx, knitIds);
  const output = byId(await outputPoints(tx, { outputIds: rows.map((row) => row.output_id) }));
  const inputs = await inputPoints(tx, { inputIds: [...uses, ...nominations].map((row) => row.input_id) });
  const input = byId(inputs);
  const plan = await planSummaries(tx, [
    ...[...rows, ...uses].map((row) => row.plan_id),
    ...inputs.map((point) => point.planId),
  ]);
  const rowOf = new Map(rows.map((row) => [row.knit_id, row]));
  const usesOf = Map.groupBy(uses, (use) => use.knit_id);
  const nominationsOf = Map.groupBy(nominations, (nomination) => nomination.knit_id);
  return knitIds.map((knitId) => {
    const row = rowOf.get(knitId);
    if (row === undefined) throw noSuchData(knitId);
    const upstream = runSummary(row, plan(row.plan_id));
    const nominated = (nominationsOf.get(knitId) ?? []).map((each) => input(each.input_id));
    nominated.sort((a, b) => a.id - b.id);
    return {
      knitId,
      tags: [
        ...written(tags.get(knitId) ?? []),
        ...systemTags(knitId, row.stamped_at, upstream.status),
      ].sort(),
      upstream: { run: upstream, ...placed(output(row.output_id)) },
      downstreams: (usesOf.get(knitId) ?? []).map((use) => ({
        mountpoint: mountpoint(input(use.input_id)),
        run: runSummary(use, plan(use.plan_id)),
      })),
      nomination: nominated.map((point) => ({ ...mountpoint(point), plan: plan(point.planId) })),
    };
  });
}

/** All tags of Data, written and sorted, system tags included, by id. */
export async function tagsOfDataInFull(
  tx: Tx,
  knitIds: readonly KnitId[],
): Promise<(knitId: KnitId) => string[]> {
  const { rows } = await sql<{ knit_id: KnitId; stamped_at: Date | null; status: RunStatus }>`
    select knit_id, stamped_at, status from data join run using (run_id)
    where knit_id = any (${knitIds}::uuid[])`.execute(tx);
  const userTags = await tagsOfData(tx, knitIds);
  const all = rows.map((row) => {
    const user = written(userTags.get(row.knit_id) ?? []);
    const tags = [...user, ...systemTags(row.knit_id, row.stamped_at, row.status)].sort();
    return [row.knit_id, tags] as const;
  });
  const byKnitId = new Map(all);
  return (knitId) => found(byKnitId, knitId);
}

/** The tags that the system gives (spec page 1, "Tag"). */
export function systemTags(knitId: KnitId, stampedAt: Date | null, status: RunStatus): string[] {
  const tags = [{ key: idTagKey, value: knitId as string }];
  if (stampedAt !== null) tags.push({ key: timestampTagKey, value: formatTime(stampedAt) });
  if (status !== 'done') {
    tags.push({ key: transientTagKey, value: status === 'failed' ? 'failed' : 'processing' });
  }
  return tags.map(formatTag);
}

/**
 * Plans in full, in the order of the ids.
 * @throws {NotFound} when one does not exist, or is a pseudo plan
 */
export async function planDetails(tx: Tx, planIds: readonly PlanId[]): Promise<PlanDetail[]> {
  const rows =
    planIds.length === 0
      ? []
      : await tx
          .selectFrom('plan')
          .select([
            'plan_id',
            'active',
            'on_node',
            'resources',
            'service_account',
            'max_running',
            'priority',
            'retry',
          ])
          .where('plan_id', '=', sql<PlanId>`any (${planIds}::uuid[])`)
          .where('name', 'is', null)
          .execute();
  const rowOf = new Map(rows.map((row) => [row.plan_id, row]));
  const inputs = await inputPoints(tx, { planIds });
  const outputs = await outputPoints(tx, { planIds });
  const upstreams = await connectedPoints(
    tx,
    'upstream',
    inputs.map((point) => point.id),
  );
  const downstreams = await connectedPoints(
    tx,
    'downstream',
    outputs.map((point) => point.id),
  );
  const connected = [...upstreams.values(), ...downstreams.values()].flat();
  const plan = await planSummaries(tx, [...planIds, ...connected.map((point) => point.planId)]);
  const inputsOf = Map.groupBy(inputs, (point) => point.planId);
  const outputsOf = Map.groupBy(outputs, (point) => point.planId);
  const downstreamsOf = (point: Point): Downstream[] =>
    (downstreams.get(point.id) ?? []).map((each) => ({
      plan: plan(each.planId),
      mountpoint: mountpoint(each),
    }));
  return planIds.map((planId) => {
    const row = rowOf.get(planId);
    if (row === undefined) throw noSuchPlan(planId);
    const results = outputsOf.get(planId) ?? [];
    const log = results.find((point) => point.path === undefined);
    return {
      ...plan(planId),
      inputs: (inputsOf.get(planId) ?? []).map((point) => ({
        ...mountpoint(point),
        upstreams: (upstreams.get(point.id) ?? []).map((each) => ({
          plan: plan(each.planId),
          ...placed(each),
        })),
      })),
      outputs: results
        .filter((point) => point.path !== undefined)
        .map((point) => ({ ...mountpoint(point), downstreams: downstreamsOf(point) })),
      ...(log && { log: { tags: log.tags, downstreams: downstreamsOf(log) } }),
      active: row.active,
      ...(Object.keys(row.on_node).length > 0 && { on_node: row.on_node }),
      ...(Object.keys(row.resources).length > 0 && { resources: row.resources }),
      ...(row.service_account !== null && { service_account: row.service_account }),
      ...schedulingOnWire(row),
    };
  });
}
