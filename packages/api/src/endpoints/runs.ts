import {
  type KnitId,
  type PlanId,
  parseKnitId,
  parsePlanId,
  type RunId,
  type RunStatus,
} from '@knitfab/core';
import { z } from 'zod';
import { runIdInput } from '../shapes/ids.ts';
import { orInvalid } from '../shapes/or-invalid.ts';
import { runDetail } from '../shapes/run.ts';
import { endpoint, json } from './endpoint.ts';
import { type Paging, paging, runPages, type TimePosition } from './paging.ts';
import { type Interval, idList, interval, intervalParameters, presence, statuses } from './query.ts';
import { routes } from './routes.ts';

/** Which Runs to find: of each list that is given, any. */
export interface RunFilter extends Interval, Paging<TimePosition<RunId>> {
  readonly planIds?: readonly PlanId[];
  readonly knitIdInputs?: readonly KnitId[];
  readonly knitIdOutputs?: readonly KnitId[];
  readonly statuses?: readonly RunStatus[];
}

const params = z.object({ runId: runIdInput });
const detail = json(runDetail, 'The Run as it is now');

export const runEndpoints = {
  findRuns: endpoint({
    ...routes.findRuns,
    tag: 'Runs',
    summary: 'Find Runs',
    query: z
      .object({
        plan: idList(parsePlanId),
        knitIdInput: idList(parseKnitId),
        knitIdOutput: idList(parseKnitId),
        status: statuses,
        ...intervalParameters,
        ...runPages.parameters,
      })
      .transform(
        orInvalid(
          ({ plan, knitIdInput, knitIdOutput, status, limit, cursor, ...times }): RunFilter => ({
            ...(plan && { planIds: plan }),
            ...(knitIdInput && { knitIdInputs: knitIdInput }),
            ...(knitIdOutput && { knitIdOutputs: knitIdOutput }),
            ...(status && { statuses: status }),
            ...interval(times),
            ...paging(limit, cursor),
          }),
        ),
      ),
    response: json(z.array(runDetail), 'The Runs that fit, by updatedAt, then runId'),
    errors: [400],
  }),
  getRun: endpoint({
    ...routes.getRun,
    tag: 'Runs',
    summary: 'Get a Run',
    params,
    response: detail,
    errors: [404],
  }),
  getRunLog: endpoint({
    ...routes.getRunLog,
    tag: 'Runs',
    summary: 'Get what a Run has written to its log',
    params,
    query: z.object({
      follow: presence.meta({ description: 'Also what it will write, until it ends' }),
    }),
    response: {
      status: 200,
      contentTypes: ['application/octet-stream'],
      description: 'The log, as bytes',
    },
    errors: [404],
  }),
  abortRun: endpoint({
    ...routes.abortRun,
    tag: 'Runs',
    summary: 'End a Run as a failure',
    params,
    response: detail,
    errors: [404, 409],
  }),
  stopRun: endpoint({
    ...routes.stopRun,
    tag: 'Runs',
    summary: 'End a Run as a success',
    params,
    response: detail,
    errors: [404, 409],
  }),
  retryRun: endpoint({
    ...routes.retryRun,
    tag: 'Runs',
    summary: 'Run a finished Run again',
    params,
    response: detail,
    errors: [404, 409],
  }),
  deleteRun: endpoint({
    ...routes.deleteRun,
    tag: 'Runs',
    summary: 'Delete a Run and the Data that it made',
    params,
    response: { status: 204, contentTypes: [], description: 'Deleted' },
    errors: [404, 409],
  }),
};
