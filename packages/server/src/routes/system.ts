import { archiveTypes, endpoints, openApi, type VersionInfo } from '@knitfab/api';
import { reachDatabase, type Store } from '@knitfab/store';
import type { FastifyInstance } from 'fastify';
import type { Backend } from '../backend.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { serve, serveBytes } from '../serve.ts';
import { version } from '../version.ts';

/** What the server tells of itself. */
export function systemRoutes(app: FastifyInstance, { db }: Store, backend: Backend, metrics: Metrics): void {
  serve(
    app,
    endpoints.getVersion,
    async (): Promise<VersionInfo> => ({
      version,
      compatibleWith: '1.6',
      driver: backend.driver,
      contentTypes: [...archiveTypes],
    }),
  );
  serve(app, endpoints.getOpenApi, async () => openApi(version));
  serve(app, endpoints.getHealth, async () => ({ status: 'ok' }));
  serve(app, endpoints.getReadiness, async () => {
    await reachDatabase(db);
    return { status: 'ok' };
  });
  serveBytes(app, endpoints.getMetrics, async ({ reply }) => {
    const { text, contentType } = await metrics.read();
    return reply.type(contentType).send(text);
  });
}
