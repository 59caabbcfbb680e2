import type { DataDetail } from '@knitfab/api';
import {
  mountpointInWords,
  placeInWords,
  planInWords,
  planName,
  runInWords,
  transience,
  userTagsOf,
} from './describe.ts';
import type { ListOutput } from './print.ts';
import { record } from './record.ts';
import { shortTime, styledStatus } from './style.ts';

const stateOf = ({ tags }: DataDetail): string => transience(tags) ?? 'done';

export const dataList: ListOutput<DataDetail> = {
  none: 'No Data found.',
  columns: [
    { title: 'KNIT ID', cell: ({ knitId }) => knitId },
    { title: 'STATE', cell: stateOf, paint: (text, data) => styledStatus(text, stateOf(data)) },
    { title: 'CHANGED', cell: ({ upstream }) => shortTime(upstream.run.updatedAt) },
    {
      title: 'MADE BY',
      cell: ({ upstream }) => `${planName(upstream.run.plan)} ${placeInWords(upstream)}`,
      narrow: 'wrap',
    },
    { title: 'TAGS', cell: ({ tags }) => userTagsOf(tags).join('\n'), narrow: 'wrap' },
  ],
};

export const dataRecord = (data: DataDetail, width: number): string =>
  record(
    [
      ['Data', [data.knitId]],
      ['state', [stateOf(data)], (text) => styledStatus(text, stateOf(data))],
      ['tags', userTagsOf(data.tags)],
      ['made by', [runInWords(data.upstream.run)]],
      ['as', [placeInWords(data.upstream)]],
      ['used by', data.downstreams.map(({ run, mountpoint }) => `${runInWords(run)}  as ${mountpoint.path}`)],
      [
        'fits',
        data.nomination.map(
          (each) => `Plan ${each.plan.planId}  ${planInWords(each.plan)}  as ${mountpointInWords(each)}`,
        ),
      ],
    ],
    width,
  );
