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
import { record } from './record.ts';
import { shortTime, styledStatus } from './style.ts';
import { table } from './table.ts';

const stateOf = ({ tags }: DataDetail): string => transience(tags) ?? 'done';

export const dataTable = (list: readonly DataDetail[], width: number): string =>
  list.length === 0
    ? 'No Data found.'
    : table(
        list,
        [
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
        width,
      );

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
