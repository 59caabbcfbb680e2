import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunDetail } from '@knitfab/api';

/** What evaluate.mjs writes. */
interface Metrics {
  readonly mails: number;
  readonly accuracy: number;
  readonly confusion: Record<'spamAsSpam' | 'spamAsHam' | 'hamAsSpam' | 'hamAsHam', number>;
}

/** How one model did on each test set, and on all of them together. */
export interface Evaluation {
  readonly model: string;
  /** Accuracy (0–1) by the knitId of the test features. */
  readonly byTest: ReadonlyMap<string, number>;
  readonly mails: number;
  readonly accuracy: number;
  readonly precision: number;
  readonly recall: number;
}

/**
 * Sums up the pulled metrics by model, the best model first.
 * @param evaluations Runs of the Plan evaluate
 * @param pulled the directory into which their metrics were pulled with `knit data pull -x`
 */
export function evaluateModels(evaluations: readonly RunDetail[], pulled: string): Evaluation[] {
  const byModel = Map.groupBy(evaluations, (run) => inputAt(run, '/in/model'));
  return [...byModel]
    .map(([model, runs]) => sumUp(model, runs, pulled))
    .sort((a, b) => b.accuracy - a.accuracy);
}

function sumUp(model: string, runs: readonly RunDetail[], pulled: string): Evaluation {
  const byTest = new Map<string, number>();
  const sum = { spamAsSpam: 0, spamAsHam: 0, hamAsSpam: 0, hamAsHam: 0 };
  for (const run of runs) {
    const metrics = readMetrics(run, pulled);
    byTest.set(inputAt(run, '/in/features'), metrics.accuracy);
    for (const cell of Object.keys(sum) as (keyof typeof sum)[]) sum[cell] += metrics.confusion[cell];
  }
  const mails = sum.spamAsSpam + sum.spamAsHam + sum.hamAsSpam + sum.hamAsHam;
  return {
    model,
    byTest,
    mails,
    accuracy: (sum.spamAsSpam + sum.hamAsHam) / mails,
    precision: sum.spamAsSpam / (sum.spamAsSpam + sum.hamAsSpam),
    recall: sum.spamAsSpam / (sum.spamAsSpam + sum.spamAsHam),
  };
}

function readMetrics(run: RunDetail, pulled: string): Metrics {
  const knitId = run.outputs[0]?.knitId ?? '';
  return JSON.parse(readFileSync(join(pulled, knitId, 'metrics.json'), 'utf8'));
}

export function inputAt(run: RunDetail, path: string): string {
  const input = run.inputs.find((input) => input.path === path);
  if (input === undefined) throw new Error(`the Run ${run.runId} has no input ${path}`);
  return input.knitId;
}
