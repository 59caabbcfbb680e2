import type { IncomingMessage, ServerResponse } from 'node:http';
import { endpoints } from '@knitfab/api';
import { NotFound } from '@knitfab/core';
import type { Drivers } from '@knitfab/engine';
import { dataDetails, type Store, snapshot } from '@knitfab/store';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { createApplication } from '../application.ts';
import type { Backend } from '../backend.ts';
import { answerError } from '../errors.ts';
import { observeRequests } from '../metrics/http-metrics.ts';
import { readAddress } from '../serve.ts';
import type { ImportTokens } from './import-tokens.ts';
import { importRoutes } from './imports.ts';
import { internalPaths } from './paths.ts';

export interface KnitdBackendOptions {
  store: Store;
  drivers: Pick<Drivers, 'volumes'>;
  /** What does the work: the one within this process. */
  backend: Backend;
  /** Takes the requests of Data Agents. */
  agentHome: { handle(request: IncomingMessage, response: ServerResponse): void };
  imports: ImportTokens;
  log: FastifyBaseLogger;
  /** Where requests are counted. */
  registry?: Registry;
}

/** knitd-backend: what needs Kubernetes on behalf of a request (spec page 2, "Internal API"). Never reachable from outside. */
export function createKnitdBackend(options: KnitdBackendOptions): FastifyInstance {
  const { store, drivers, backend, agentHome, imports, log, registry } = options;
  const noSuch = (path: string) => new NotFound(`there is no ${path.slice(0, 100)} in the internal API`);
  const app = createApplication({
    log,
    answerNoPath: (request, reply) => answerError(noSuch(request.url), request, reply),
  });
  if (registry !== undefined) observeRequests(app, [registry]);
  app.setNotFoundHandler((request, reply) => answerError(noSuch(request.url), request, reply));

  app.post(internalPaths.data, async (request) => {
    const knitId = await backend.receive(request);
    const [detail] = await snapshot(store.db, (tx) => dataDetails(tx, [knitId]));
    return detail;
  });
  app.get(internalPaths.aData, async (request, reply) => {
    const { params } = readAddress(endpoints.downloadData, request);
    await backend.send(params.knitId, request, reply);
    return reply;
  });
  app.get(internalPaths.log, async (request, reply) => {
    const { params, query } = readAddress(endpoints.getRunLog, request);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const text = await backend.log(params.runId, { follow: query.follow, signal: gone.signal });
    return reply.type('application/octet-stream').send(text);
  });
  app.post<{ Querystring: { fix?: string } }>(internalPaths.doctor, ({ query }) =>
    backend.examine({ fix: query.fix === 'true' }),
  );
  importRoutes(app, { store, drivers, imports });
  app.route({
    method: ['POST', 'PUT'],
    url: internalPaths.agents,
    handler: (request, reply) => {
      reply.hijack();
      agentHome.handle(request.raw, reply.raw);
    },
  });
  return app;
}
