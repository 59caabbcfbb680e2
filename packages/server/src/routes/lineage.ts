import { endpoints } from '@knitfab/api';
import { lineage, type Store, snapshot } from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import { serve } from '../serve.ts';

/** `/api/lineage` (spec page 2, "New in this implementation"). */
export function lineageRoutes(app: FastifyInstance, { db }: Store): void {
  serve(app, endpoints.getLineage, ({ query }) => snapshot(db, (tx) => lineage(tx, query)));
}
