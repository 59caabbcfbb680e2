import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import { answerError } from './errors.ts';
import type { CertifiedKey } from './tls/certified-key.ts';
import { answerUnreadable } from './unreadable.ts';

export interface ApplicationOptions {
  log: FastifyBaseLogger;
  /** Serves HTTPS with this certificate; HTTP when left out. */
  tls?: CertifiedKey;
  /** Answers requests whose path can't be any. */
  answerNoPath: (request: FastifyRequest, reply: FastifyReply) => FastifyReply;
}

/** What knitd and knitd-backend have in common: how requests are read, and how failures are answered. */
export function createApplication({ log, tls, answerNoPath }: ApplicationOptions): FastifyInstance {
  const options = {
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: false,
    // An upload may take hours; one that says nothing for long is ended where it is read.
    requestTimeout: 0,
    clientErrorHandler: answerUnreadable,
    // All of them are about the address: it is not percent-encoded UTF-8, or far too long. A malformed id is no such thing.
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      answerNoPath(request, reply);
    },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4096 },
  };
  const app = (
    tls === undefined
      ? fastify({ ...options, http: { maxHeaderSize: maxHeaderBytes } })
      : fastify({ ...options, https: { ...tls, maxHeaderSize: maxHeaderBytes } })
  ) as FastifyInstance;
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
  return app;
}

/** A value of 1 MiB, each of its bytes percent-encoded, and all the rest: the largest request line with its headers. */
const maxHeaderBytes = 4 * 1024 * 1024;

/** RFC 9110, "Media Type": what Fastify would refuse otherwise. */
const mediaType = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(;.*)?$/;
