import type { PlanDetail } from '@knitfab/api';
import { mountpointInWords, placeInWords, planInWords, planName } from './describe.ts';
import type { ListOutput } from './print.ts';
import { type Field, record } from './record.ts';
import { styled } from './style.ts';

const activity = ({ active }: PlanDetail): string => (active ? 'active' : 'inactive');
const paintActivity = (text: string, { active }: PlanDetail): string =>
  active ? text : styled('gray', text);

const outputsInWords = (plan: PlanDetail): string[] => [
  ...plan.outputs.map(mountpointInWords),
  ...(plan.log ? [['log', ...plan.log.tags].join('  ')] : []),
];

export const planList: ListOutput<PlanDetail> = {
  none: 'No Plans found.',
  columns: [
    { title: 'PLAN ID', cell: ({ planId }) => planId },
    { title: 'ACTIVE', cell: ({ active }) => (active ? 'yes' : 'no'), paint: paintActivity },
    { title: 'IMAGE', cell: planInWords, narrow: 'cut' },
    { title: 'INPUTS', cell: ({ inputs }) => inputs.map(mountpointInWords).join('\n'), narrow: 'wrap' },
    { title: 'OUTPUTS', cell: (plan) => outputsInWords(plan).join('\n'), narrow: 'wrap' },
  ],
};

export const planRecord = (plan: PlanDetail, width: number): string => record(planFields(plan), width);

/** What a Plan says, line by line. */
export function planFields(plan: PlanDetail): Field[] {
  const { on_node: onNode = {} } = plan;
  return [
    ['Plan', [plan.planId]],
    ['state', [activity(plan)], (text) => paintActivity(text, plan)],
    ['image', [planName(plan)]],
    ['entrypoint', plan.entrypoint ? [plan.entrypoint.map(quoted).join(' ')] : []],
    ['args', plan.args ? [plan.args.map(quoted).join(' ')] : []],
    ['annotations', plan.annotations ?? []],
    [
      'inputs',
      plan.inputs.flatMap((input) => [
        mountpointInWords(input),
        ...input.upstreams.map(
          (from) => `  from ${placeInWords(from)} of Plan ${from.plan.planId}  ${planName(from.plan)}`,
        ),
      ]),
    ],
    [
      'outputs',
      [
        ...plan.outputs.map((output) => ({ words: mountpointInWords(output), ...output })),
        ...logOf(plan),
      ].flatMap(({ words, downstreams }) => [
        words,
        ...downstreams.map(
          (to) => `  to ${to.mountpoint.path} of Plan ${to.plan.planId}  ${planName(to.plan)}`,
        ),
      ]),
    ],
    ['resources', Object.entries(plan.resources ?? {}).map(([name, quantity]) => `${name}=${quantity}`)],
    ['may run on', [...(onNode.may ?? [])]],
    ['prefers', [...(onNode.prefer ?? [])]],
    ['must run on', [...(onNode.must ?? [])]],
    ['service account', plan.service_account ? [plan.service_account] : []],
    ['at once', plan.max_running ? [`at most ${plan.max_running}`] : []],
    ['priority', plan.priority ? [`${plan.priority}`] : []],
    ['retries', plan.retry ? [retryInWords(plan.retry)] : []],
  ];
}

const retryInWords = ({ lost, error, backoff }: NonNullable<PlanDetail['retry']>): string =>
  `${lost} when the system fails, ${error} when the code does; first after ${backoff}`;

const logOf = ({ log }: PlanDetail) =>
  log ? [{ words: ['log', ...log.tags].join('  '), downstreams: log.downstreams }] : [];

/** A word of a command line as a shell would want it. */
const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
