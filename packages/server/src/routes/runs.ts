import { endpoints, runPages } from '@knitfab/api';
import type { RunId } from '@knitfab/core';
import {
  abortRun,
  deleteRun,
  findRuns,
  findRunsInBatches,
  retryRun,
  runDetails,
  type Store,
  snapshot,
  stopRun,
  type Tx,
  tagBytesOfRuns,
  transaction,
} from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import { serve, serveBytes } from '../serve.ts';
import { serveList } from '../serve-list.ts';

/** `/api/runs` (spec page 2). */
export function runRoutes(app: FastifyInstance, store: Store, backend: Backend): void {
  const { db } = store;
  const detail = async (runId: RunId) => (await snapshot(db, (tx) => runDetails(tx, [runId])))[0];
  const requested = async (runId: RunId, request: (tx: Tx, runId: RunId) => Promise<void>) => {
    await transaction(db, (tx) => request(tx, runId));
    return detail(runId);
  };

  serveList(app, endpoints.findRuns, store, {
    find: findRuns,
    findInBatches: findRunsInBatches,
    details: runDetails,
    bytes: tagBytesOfRuns,
    cursorAfter: ({ runId, updatedAt }) =>
      runPages.cursors.write({ updatedAt: new Date(updatedAt), id: runId }),
  });
  serve(app, endpoints.getRun, ({ params }) => detail(params.runId));
  serve(app, endpoints.abortRun, ({ params }) => requested(params.runId, abortRun));
  serve(app, endpoints.stopRun, ({ params }) => requested(params.runId, stopRun));
  serve(app, endpoints.retryRun, ({ params }) => requested(params.runId, retryRun));
  serve(app, endpoints.deleteRun, ({ params }) => transaction(db, (tx) => deleteRun(tx, params.runId)));

  serveBytes(app, endpoints.getRunLog, async ({ params, query, reply }) => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const log = await backend.log(params.runId, { follow: query.follow, signal: gone.signal });
    return reply.type('application/octet-stream').send(log);
  });
}
