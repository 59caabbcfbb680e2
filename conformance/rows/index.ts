import type { Row } from '../row.ts';
import { activePlan } from './active-plan.ts';
import { additions } from './additions.ts';
import { deleteRun } from './delete-run.ts';
import { downloadData } from './download-data.ts';
import { executedRun } from './executed-run.ts';
import { findData } from './find-data.ts';
import { findPlans } from './find-plans.ts';
import { findRuns } from './find-runs.ts';
import { general } from './general.ts';
import { getPlan } from './get-plan.ts';
import { getRun } from './get-run.ts';
import { lists } from './lists.ts';
import { planAnnotations } from './plan-annotations.ts';
import { planResources } from './plan-resources.ts';
import { planServiceAccount } from './plan-service-account.ts';
import { registerPlan } from './register-plan.ts';
import { retryRun } from './retry-run.ts';
import { runLog } from './run-log.ts';
import { stopRun } from './stop-run.ts';
import { tagData } from './tag-data.ts';
import { uploadData } from './upload-data.ts';

/** Everything that the suite looks at, in the order of spec page 2. */
export const rows: readonly Row[] = [
  general,
  findData,
  uploadData,
  downloadData,
  tagData,
  findPlans,
  registerPlan,
  getPlan,
  activePlan,
  planResources,
  planAnnotations,
  planServiceAccount,
  findRuns,
  getRun,
  runLog,
  stopRun,
  retryRun,
  deleteRun,
  executedRun,
  lists,
  additions,
];
