import type { Why } from '@knitfab/api';
import { mountpointInWords, planInWords, runInWords } from './describe.ts';
import { record } from './record.ts';

/** Why a Data is, or is not, an input of a Plan's Runs. */
export const whyRecord = ({ knitId, status, plan, active, inputs }: Why, width: number): string =>
  record(
    [
      ['Data', [`${knitId}  made by a Run that is ${status}`]],
      ['Plan', [`${plan.planId}  ${planInWords(plan)}${active ? '' : '  (inactive)'}`]],
      ...inputs.map((input): [string, string[]] => [
        'input',
        [
          mountpointInWords(input),
          `  ${input.nominated ? 'yes' : 'no'}: ${input.reason}`,
          ...input.missing.map((tag) => `  the Data has no tag ${tag}`),
          ...input.runs.first.map((run) => `  ${runInWords(run)}`),
          ...(input.runs.count > input.runs.first.length
            ? [`  … ${input.runs.count - input.runs.first.length} more Runs`]
            : []),
        ],
      ]),
    ],
    width,
  );
