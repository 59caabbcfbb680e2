import { Readable } from 'node:stream';
import { endpoints } from '@knitfab/api';
import { lineage, type Store, snapshot } from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import { serveBytes } from '../serve.ts';

/** `/api/lineage` (spec page 2, "New in this implementation"). */
export function lineageRoutes(app: FastifyInstance, { db }: Store): void {
  serveBytes(app, endpoints.getLineage, async ({ query, reply }) => {
    const pieces = await snapshot(db, (tx) => lineage(tx, query));
    return reply.type('application/json; charset=utf-8').send(Readable.from(pieces));
  });
}
