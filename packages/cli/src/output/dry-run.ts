import type { PlanDryRun } from '@knitfab/api';
import { mountpointInWords } from './describe.ts';
import { planFields } from './plan.ts';
import { record } from './record.ts';

/** How many of the Runs are listed. */
const longestList = 10;

/** What would come of a Plan: the Plan as it would be, what is worth a warning, and the Runs that it would get. */
export function dryRunRecord({ plan, equalTo, warnings, runs }: PlanDryRun, width: number): string {
  const { count, first } = runs;
  const listed = first.slice(0, longestList).map(({ inputs }, index) => {
    const data = inputs.map((input) => `${mountpointInWords(input)}  Data ${input.knitId}`);
    return `${index + 1}. ${data.join('\n   ')}`;
  });
  const more = count > listed.length ? [`… and ${count - listed.length} more`] : [];
  return [
    record(
      [
        ...planFields({ ...plan, planId: equalTo ?? '(not registered)' }),
        ['refused', equalTo === undefined ? [] : [`an equal Plan is there already: ${equalTo}`]],
        ['warnings', [...warnings]],
        ['Runs', [count === 0 ? 'none: no Data fit yet' : `${count} would start`]],
      ],
      width,
    ),
    ...listed,
    ...more,
  ].join('\n');
}
