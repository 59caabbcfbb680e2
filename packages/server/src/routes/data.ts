import { dataPages, endpoints } from '@knitfab/api';
import { userTagSet } from '@knitfab/core';
import {
  changeDataTags,
  dataDetails,
  dryRunTags,
  dryRunUpload,
  findData,
  findDataInBatches,
  type Store,
  snapshot,
  tagBytesOfData,
  transaction,
  why,
} from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import { readBody, serve, serveBytes } from '../serve.ts';
import { serveList } from '../serve-list.ts';

/** `/api/data` and `/api/why` (spec page 2). */
export function dataRoutes(app: FastifyInstance, store: Store, backend: Backend): void {
  const { db } = store;
  serveList(app, endpoints.findData, store, {
    find: findData,
    findInBatches: findDataInBatches,
    details: dataDetails,
    bytes: tagBytesOfData,
    cursorAfter: ({ knitId, upstream }) =>
      dataPages.cursors.write({ updatedAt: new Date(upstream.run.updatedAt), id: knitId }),
  });

  serveBytes(app, endpoints.uploadData, async ({ request, reply, query }) => {
    if (query.dry_run) {
      const { tags } = await readBody(endpoints.uploadData, request);
      const started = await snapshot(db, (tx) => dryRunUpload(tx, userTagSet(tags, 'the push')));
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(started));
    }
    const knitId = await backend.receive(request);
    const [detail] = await snapshot(db, (tx) => dataDetails(tx, [knitId]));
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(detail));
  });

  serveBytes(app, endpoints.downloadData, ({ params, request, reply }) =>
    backend.send(params.knitId, request, reply),
  );

  serve(app, endpoints.tagData, async ({ params, query, body }) => {
    const { add, remove, remove_key: removeKeys } = body;
    const change = { add, remove, removeKeys };
    if (query.dry_run) return snapshot(db, (tx) => dryRunTags(tx, params.knitId, change));
    await transaction(db, (tx) => changeDataTags(tx, params.knitId, change));
    const [detail] = await snapshot(db, (tx) => dataDetails(tx, [params.knitId]));
    return detail;
  });

  serve(app, endpoints.getWhy, ({ query }) => snapshot(db, (tx) => why(tx, query)));
}
