import { type Endpoint, endpoints } from '@knitfab/api';
import { NotFound } from '@knitfab/core';
import { EventFeed, type Store } from '@knitfab/store';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createApplication } from './application.ts';
import type { Backend } from './backend.ts';
import { answerError } from './errors.ts';
import { createMetrics, type Metrics } from './metrics/metrics.ts';
import { dataRoutes } from './routes/data.ts';
import { doctorRoutes } from './routes/doctor.ts';
import { eventRoutes } from './routes/events.ts';
import { lineageRoutes } from './routes/lineage.ts';
import { planRoutes } from './routes/plans.ts';
import { referenceRoutes } from './routes/reference.ts';
import { runRoutes } from './routes/runs.ts';
import { schedulingRoutes } from './routes/scheduling.ts';
import { systemRoutes } from './routes/system.ts';
import type { CertifiedKey } from './tls/certified-key.ts';

export interface KnitdOptions {
  store: Store;
  /** Where an engine in the same process counts too; else made here. */
  metrics?: Metrics;
  backend: Backend;
  log: FastifyBaseLogger;
  /** Serves HTTPS with this certificate, in PEM; HTTP when left out. */
  tls?: CertifiedKey;
}

/** knitd: the public Web API (spec page 2). */
export function createKnitd({
  store,
  backend,
  log,
  tls,
  metrics = createMetrics(store, backend),
}: KnitdOptions): FastifyInstance {
  const app = createApplication({
    log,
    ...(tls && { tls }),
    answerNoPath: (request, reply) => answerNoPath(request, reply),
  });
  app.setNotFoundHandler(answerNoRoute);
  const feed = new EventFeed(store);
  metrics.observe(app, feed);
  dataRoutes(app, store, backend);
  planRoutes(app, store, backend);
  schedulingRoutes(app, store);
  doctorRoutes(app, backend);
  runRoutes(app, store, backend);
  lineageRoutes(app, store);
  eventRoutes(app, feed);
  systemRoutes(app, store, backend, metrics);
  referenceRoutes(app);
  return app;
}

const patterns = Object.values<Endpoint>(endpoints).map(({ method, path }) => ({
  method,
  pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}/?$`),
}));

/** 405 with `Allow` where the path exists with other methods, else 404. */
function answerNoRoute(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? '';
  const allowed = [
    ...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)),
  ];
  if (allowed.length === 0) return answerNoPath(request, reply);
  const reason = `${path} does not answer ${request.method}, only ${allowed.join(', ')}`;
  return reply
    .code(405)
    .header('allow', allowed.join(', '))
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ message: reason, reason }));
}

function answerNoPath(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const path = request.url.split('?', 1)[0] ?? '';
  const reason = `there is no ${path.length > 100 ? `${path.slice(0, 99)}…` : path}`;
  const advice = 'See /api/openapi.json for the paths that there are.';
  return answerError(new NotFound({ reason, advice }), request, reply);
}
