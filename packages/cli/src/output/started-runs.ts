import type { StartedRuns } from '@knitfab/api';
import { planInWords } from './describe.ts';
import { table } from './table.ts';

/** The Runs that a push or a change of tags would start, Plan by Plan. */
export const startedRunsTable = ({ runs: { count, byPlan } }: StartedRuns, width: number): string =>
  count === 0
    ? 'No Run would start.'
    : [
        count === 1 ? '1 Run would start:' : `${count} Runs would start:`,
        table(
          byPlan,
          [
            { title: 'RUNS', cell: (each) => String(each.count) },
            { title: 'PLAN ID', cell: ({ plan }) => plan.planId },
            { title: 'PLAN', cell: ({ plan }) => planInWords(plan), narrow: 'cut' },
          ],
          width,
        ),
      ].join('\n');
