import {
  explainStanding,
  type KnitId,
  missingTags,
  type PlanId,
  type RunId,
  type RunStatus,
} from '@knitfab/core';
import { sql } from 'kysely';
import { noSuchData } from './data.ts';
import type { Tx } from './database.ts';
import { type RunSummary, runSummaries, tagsOfDataInFull } from './details.ts';
import { inputPoints, type Mountpoint, mountpoint } from './mountpoints.ts';
import { noSuchPlan } from './plan-lock.ts';
import { type PlanSummary, planSummaries } from './plan-summaries.ts';

/** Why a Data is, or is not, an input of a Plan's Runs (spec page 8, row 7). */
export interface Why {
  knitId: KnitId;
  status: RunStatus;
  plan: PlanSummary;
  active: boolean;
  inputs: (Mountpoint & {
    nominated: boolean;
    missing: string[];
    reason: string;
    runs: { count: number; first: RunSummary[] };
  })[];
}

/** How many Runs are told one by one, the newest. */
const newestRuns = 100;

interface InputRow {
  input_id: number;
  /** Null when the Data is not nominated. */
  projected: boolean | null;
  is_empty: boolean;
  runs: number;
  newest: RunId[];
}

/** @throws {NotFound} when there is no such Data, or no such Plan */
export async function why(tx: Tx, { knitId, planId }: { knitId: KnitId; planId: PlanId }): Promise<Why> {
  const { rows: data } = await sql<{ status: RunStatus }>`
    select status from data join run using (run_id) where knit_id = ${knitId}`.execute(tx);
  const status = data[0]?.status;
  if (status === undefined) throw noSuchData(knitId);
  const { rows: plans } = await sql<{ active: boolean }>`
    select active from plan where plan_id = ${planId} and name is null`.execute(tx);
  const active = plans[0]?.active;
  if (active === undefined) throw noSuchPlan(planId);
  const { rows } = await sql<InputRow>`
    select input_id,
           (select projected from nomination
            where nomination.input_id = plan_input.input_id and knit_id = ${knitId}) as projected,
           not exists (select from nomination where nomination.input_id = plan_input.input_id) as is_empty,
           (select count(*) from run_input
            where run_input.input_id = plan_input.input_id and knit_id = ${knitId}) as runs,
           array(select run_id from run_input
                 where run_input.input_id = plan_input.input_id and knit_id = ${knitId}
                 order by run_id desc limit ${newestRuns}) as newest
    from plan_input where plan_id = ${planId} order by position`.execute(tx);
  const points = await inputPoints(tx, { planIds: [planId] });
  const has = (await tagsOfDataInFull(tx, [knitId]))(knitId);
  const run = await runSummaries(
    tx,
    rows.flatMap((row) => row.newest),
  );
  const empty = new Set(rows.filter((row) => row.is_empty).map((row) => row.input_id));
  const rowOf = new Map(rows.map((row) => [row.input_id, row]));
  return {
    knitId,
    status,
    plan: (await planSummaries(tx, [planId]))(planId),
    active,
    inputs: points.map((point) => {
      const row = rowOf.get(point.id);
      const missing = missingTags(point.tags, has);
      const isNominated = row !== undefined && row.projected !== null;
      const runs = row?.runs ?? 0;
      const emptyInputs = points.filter(({ id }) => empty.has(id)).map(({ path = '' }) => path);
      const isProjected = row?.projected ?? false;
      return {
        ...mountpoint(point),
        nominated: isNominated,
        missing,
        reason: explainStanding({
          isNominated,
          status,
          missing,
          runs,
          emptyInputs,
          isProjected,
          isPlanActive: active,
        }),
        runs: { count: runs, first: (row?.newest ?? []).map(run) },
      };
    }),
  };
}
