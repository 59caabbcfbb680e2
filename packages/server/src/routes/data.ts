import { endpoints } from '@knitfab/api';
import { changeDataTags, dataDetails, findData, type Store, snapshot, transaction } from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import { receiveArchive } from '../receive-archive.ts';
import { sendArchive } from '../send-archive.ts';
import { serve, serveBytes } from '../serve.ts';

/** `/api/data` (spec page 2). */
export function dataRoutes(app: FastifyInstance, { db }: Store, backend: Backend): void {
  serve(app, endpoints.findData, ({ query }) =>
    snapshot(db, async (tx) => dataDetails(tx, await findData(tx, query))),
  );

  serveBytes(app, endpoints.uploadData, async ({ request, reply }) => {
    const knitId = await receiveArchive(request, backend);
    const [detail] = await snapshot(db, (tx) => dataDetails(tx, [knitId]));
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(detail));
  });

  serveBytes(app, endpoints.downloadData, async ({ params, request, reply }) => {
    const tar = await backend.send(params.knitId);
    return sendArchive(tar, request, reply);
  });

  serve(app, endpoints.tagData, async ({ params, body }) => {
    const { add, remove, remove_key: removeKeys } = body;
    await transaction(db, (tx) => changeDataTags(tx, params.knitId, { add, remove, removeKeys }));
    const [detail] = await snapshot(db, (tx) => dataDetails(tx, [params.knitId]));
    return detail;
  });
}
