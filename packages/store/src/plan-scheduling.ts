import {
  defineScheduling,
  type PlanId,
  type Retry,
  type Scheduling,
  type SchedulingInput,
} from '@knitfab/core';
import type { Tx } from './database.ts';
import { lockPlan } from './plan-lock.ts';
import { wakeStarters } from './system.ts';

// When and how often the Runs of a Plan are started (spec page 8, rows 6 and 8).

/** A Plan's scheduling as its columns keep it: what is the default is null or 0. */
export interface SchedulingColumns {
  max_running: number | null;
  priority: number;
  retry: Retry | null;
}

export const schedulingColumns = ({ maxRunning, priority, retry }: Scheduling) => ({
  max_running: maxRunning ?? null,
  priority,
  retry: retry === undefined ? null : JSON.stringify(retry),
});

/** A Plan's scheduling as the wire shows it: what is the default is left out. */
export const schedulingOnWire = ({ max_running, priority, retry }: SchedulingColumns) => ({
  ...(max_running !== null && { max_running }),
  ...(priority !== 0 && { priority }),
  ...(retry !== null && { retry: writtenRetry(retry) }),
});

const writtenRetry = ({ lost, error, backoffMilliseconds }: Retry) => ({
  lost,
  error,
  backoff: `${backoffMilliseconds / 1000}s`,
});

/**
 * Changes when and how often a Plan's Runs are started: what is absent stays as it is, null is the default.
 * @throws {NotFound} {@link Invalid}
 */
export async function changePlanScheduling(tx: Tx, planId: PlanId, change: SchedulingInput): Promise<void> {
  const now = schedulingOnWire(await lockPlan(tx, planId));
  const retry = change.retry === undefined ? now.retry : change.retry && { ...now.retry, ...change.retry };
  await tx
    .updateTable('plan')
    .set(schedulingColumns(defineScheduling({ ...now, ...change, retry })))
    .where('plan_id', '=', planId)
    .execute();
  await wakeStarters(tx);
}
