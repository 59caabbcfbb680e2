import type { Assignment, Attempt, RunDetail } from '@knitfab/api';
import { outcomeInWords, planInWords } from './describe.ts';
import type { ListOutput } from './print.ts';
import { record } from './record.ts';
import { localTime, shortTime, styledStatus } from './style.ts';

export const runList: ListOutput<RunDetail> = {
  none: 'No Runs found.',
  columns: [
    { title: 'RUN ID', cell: ({ runId }) => runId },
    {
      title: 'STATUS',
      cell: ({ status }) => status,
      paint: (text, { status }) => styledStatus(text, status),
    },
    { title: 'EXIT', cell: (run) => exitInShort(run), narrow: 'wrap' },
    { title: 'CHANGED', cell: ({ updatedAt }) => shortTime(updatedAt) },
    { title: 'PLAN', cell: ({ plan }) => planInWords(plan), narrow: 'cut' },
  ],
};

/** The exit without the name of the container, which is always the same. */
const exitInShort = ({ exit }: RunDetail): string =>
  exit === undefined ? '' : `${exit.code} ${exit.message.replace(/^\(container main\) /, '')}`.trim();

const assigned = ({ path, knitId, tags }: Assignment): string => [path, knitId, ...tags].join('  ');

export const runRecord = (run: RunDetail, width: number): string =>
  record(
    [
      ['Run', [run.runId]],
      ['status', [outcomeInWords(run)], (text) => styledStatus(text, run.status)],
      ['changed', [localTime(run.updatedAt)]],
      [
        'at fault',
        run.cause ? [{ lost: 'the system', error: 'the code', user: 'it was stopped' }[run.cause]] : [],
      ],
      ['problem', run.problem === undefined ? [] : [run.problem]],
      ['plan', [run.plan.planId, planInWords(run.plan)]],
      ['inputs', run.inputs.map(assigned)],
      ['outputs', run.outputs.map(assigned)],
      ['log', run.log ? [[run.log.knitId, ...run.log.tags].join('  ')] : []],
      ['executed', executionInWords(run)],
      ['before', (run.attempts ?? []).map(attemptInWords)],
    ],
    width,
  );

const attemptInWords = ({ attempt, endedAt, exit }: Attempt): string =>
  `attempt ${attempt} ended ${localTime(endedAt)}${exit ? ` with ${exit.code} ${exit.message}`.trimEnd() : ''}`;

function executionInWords({ execution, attempt }: RunDetail): string[] {
  if (execution === undefined) return [];
  const { driver, node, startedAt, endedAt, peakMemoryBytes, digests = {}, notes = [] } = execution;
  return [
    [node ? `${driver} on ${node}` : driver, ...(attempt ? [`attempt ${attempt}`] : [])].join(', '),
    ...(startedAt ? [`${localTime(startedAt)} to ${endedAt ? localTime(endedAt) : 'now'}`] : []),
    ...(peakMemoryBytes ? [`peak memory ${(peakMemoryBytes / 2 ** 20).toFixed(1)} MiB`] : []),
    ...Object.entries(digests).map(([what, digest]) => `${what}  ${digest}`),
    ...notes,
  ];
}
