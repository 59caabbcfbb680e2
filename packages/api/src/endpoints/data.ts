import type { KnitId, Tag } from '@knitfab/core';
import { z } from 'zod';
import { dataDetail, tagChange } from '../shapes/data.ts';
import { pushedTags, startedRuns } from '../shapes/dry-run.ts';
import { knitIdInput } from '../shapes/ids.ts';
import { orInvalid } from '../shapes/or-invalid.ts';
import { archiveTypes, checksumTrailer } from './archive-types.ts';
import { endpoint, json } from './endpoint.ts';
import { dataPages, type Paging, paging, type TimePosition } from './paging.ts';
import { dryRun, type Interval, interval, intervalParameters, tags } from './query.ts';
import { routes } from './routes.ts';

/** Which Data to find: those with all of the tags, whose Run last changed within the interval. */
export interface DataFilter extends Interval, Paging<TimePosition<KnitId>> {
  readonly tags: readonly Tag[];
}

const params = z.object({ knitId: knitIdInput });

export const dataEndpoints = {
  findData: endpoint({
    ...routes.findData,
    tag: 'Data',
    summary: 'Find Data by tags and time, oldest first',
    query: z.object({ tag: tags, ...intervalParameters, ...dataPages.parameters }).transform(
      orInvalid(
        ({ tag, limit, cursor, ...times }): DataFilter => ({
          tags: tag,
          ...interval(times),
          ...paging(limit, cursor),
        }),
      ),
    ),
    response: json(z.array(dataDetail), 'The Data that fit, oldest first, then by knitId'),
    errors: [400],
  }),
  uploadData: endpoint({
    ...routes.uploadData,
    tag: 'Data',
    summary: 'Upload a directory tree as a new Data, or say which Runs that would start',
    query: z.object({ dry_run: dryRun }),
    body: pushedTags,
    bytes: {
      contentTypes: archiveTypes,
      description: `The tree as a tar archive, gzipped, compressed by zstd, or plain. A trailer \`${checksumTrailer}\` may follow: the hexadecimal MD5 of the body.`,
    },
    response: json(z.union([dataDetail, startedRuns]), 'The new Data; of a dry run, the Runs it would start'),
    errors: [400],
  }),
  downloadData: endpoint({
    ...routes.downloadData,
    tag: 'Data',
    summary: "Download a Data's tree",
    params,
    response: {
      status: 200,
      contentTypes: archiveTypes,
      trailers: [checksumTrailer],
      description: 'The tree as a tar archive, gzipped, or what `Accept` prefers to that',
    },
    errors: [404],
  }),
  tagData: endpoint({
    ...routes.tagData,
    tag: 'Data',
    summary: 'Remove tags from a Data, then add some; or say which Runs that would start',
    params,
    query: z.object({ dry_run: dryRun }),
    body: tagChange,
    response: json(
      z.union([dataDetail, startedRuns]),
      'The Data with its new tags; of a dry run, the Runs that would start',
    ),
    errors: [400, 404],
  }),
};
