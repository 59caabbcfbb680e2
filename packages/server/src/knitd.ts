import { type Endpoint, endpoints } from '@knitfab/api';
import { NotFound } from '@knitfab/core';
import type { Store } from '@knitfab/store';
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
import { dataRoutes } from './routes/data.ts';
import { lineageRoutes } from './routes/lineage.ts';
import { planRoutes } from './routes/plans.ts';
import { runRoutes } from './routes/runs.ts';
import { systemRoutes } from './routes/system.ts';

export interface KnitdOptions {
  store: Store;
  backend: Backend;
  log: FastifyBaseLogger;
}

/** knitd: the public Web API (spec page 2). */
export function createKnitd({ store, backend, log }: KnitdOptions): FastifyInstance {
  const app: FastifyInstance = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    // An upload may take hours; one that says nothing for long is ended where it is read.
    requestTimeout: 0,
    frameworkErrors: (error, request, reply) => answerError(error, request, reply),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4096 },
  });
  // Bodies are read where they are wanted: as JSON or as an archive, whatever their Content-Type says.
  app.removeAllContentTypeParsers();
  app.addHook('onRequest', (request, _reply, done) => {
    const type = request.headers['content-type'];
    if (type !== undefined && !mediaType.test(type))
      request.headers['content-type'] = 'application/octet-stream';
    done();
  });
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler(answerNoRoute);
  dataRoutes(app, store, backend);
  planRoutes(app, store, backend);
  runRoutes(app, store, backend);
  lineageRoutes(app, store);
  systemRoutes(app, store, backend);
  return app;
}

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
  if (allowed.length === 0) {
    const advice = 'See /api/openapi.json for the paths that there are.';
    return answerError(new NotFound({ reason: `there is no ${path}`, advice }), request, reply);
  }
  const reason = `${path} does not answer ${request.method}, only ${allowed.join(', ')}`;
  return reply
    .code(405)
    .header('allow', allowed.join(', '))
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ message: reason, reason }));
}
