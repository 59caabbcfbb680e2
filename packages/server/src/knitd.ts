import { type Endpoint, endpoints } from '@knitfab/api';
import { NotFound } from '@knitfab/core';
import { EventFeed, type Store } from '@knitfab/store';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
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
import { answerUnreadable } from './unreadable.ts';

export interface KnitdOptions {
  store: Store;
  /** Where an engine in the same process counts too; else made here. */
  metrics?: Metrics;
  backend: Backend;
  log: FastifyBaseLogger;
}

/** knitd: the public Web API (spec page 2). */
export function createKnitd({
  store,
  backend,
  log,
  metrics = createMetrics(store, backend),
}: KnitdOptions): FastifyInstance {
  const app: FastifyInstance = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    // An upload may take hours; one that says nothing for long is ended where it is read.
    requestTimeout: 0,
    // An address may hold a tag of the largest size, or hundreds of ids.
    http: { maxHeaderSize: maxHeaderBytes },
    clientErrorHandler: answerUnreadable,
    // All of them are about the address: it is not percent-encoded UTF-8, or far too long. A malformed id is no such thing.
    frameworkErrors: (_error, request, reply) => answerNoPath(request, reply),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4096 },
  });
  // Bodies are read where they are wanted: as JSON or as an archive, whatever their Content-Type says.
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', (request, _reply, done) => {
    // Fastify wants one of the method QUERY, before it looks whether a path has that method.
    const type = request.headers['content-type'] ?? (request.method === 'QUERY' ? '' : undefined);
    if (type !== undefined && !mediaType.test(type))
      request.headers['content-type'] = 'application/octet-stream';
    done();
  });
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
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

/** A value of 1 MiB, each of its bytes percent-encoded, and all the rest. */
const maxHeaderBytes = 4 * 1024 * 1024;

/** RFC 9110, "Media Type": what Fastify would refuse otherwise. */
const mediaType = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;.*)?$/;

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
