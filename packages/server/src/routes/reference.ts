import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { endpoints, routes } from '@knitfab/api';
import { type FastifyInstance, fastify } from 'fastify';
import { serveBytes } from '../serve.ts';

const script = `${routes.getReference.path}/scalar.js`;

/** Nothing leaves the server's own origin: no telemetry, no fonts, no request by way of somebody's proxy. */
const configuration = {
  telemetry: false,
  withDefaultFonts: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: 'never',
  defaultOpenAllTags: false,
};

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Knitfab Web API</title>
    <link rel="icon" href="data:," />
  </head>
  <body>
    <noscript>This page needs JavaScript; <a href="${routes.getOpenApi.path}">the same as OpenAPI</a> does not.</noscript>
    <script id="api-reference" data-url="${routes.getOpenApi.path}" data-configuration='${JSON.stringify(configuration)}'></script>
    <script src="${script}"></script>
  </body>
</html>
`;

/** The browsable reference (spec page 2, "New in this implementation"): a page that draws the OpenAPI document. */
export function referenceRoutes(app: FastifyInstance): void {
  serveBytes(app, endpoints.getReference, async ({ reply }) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', contentSecurityPolicy)
      .header('x-content-type-options', 'nosniff')
      .send(page),
  );

  // Most servers never show the page: its program, some megabytes, is loaded when somebody asks for it.
  let loaded: Promise<Buffer> | undefined;
  app.get(script, async (request, reply) => {
    loaded ??= gzippedProgram();
    const gzipped = await loaded;
    const isGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    if (isGzip) reply.header('content-encoding', 'gzip');
    return reply
      .type('text/javascript; charset=utf-8')
      .header('vary', 'accept-encoding')
      .header('cache-control', 'max-age=3600')
      .send(isGzip ? gzipped : await promisify(gunzip)(gzipped));
  });
}

/** Scalar's page as one script. The package gives it away as an answer of its plugin, and in no other way. */
async function gzippedProgram(): Promise<Buffer> {
  const { default: plugin } = await import('@scalar/fastify-api-reference');
  const app = fastify();
  await app.register(plugin, { routePrefix: '/page', configuration: { url: routes.getOpenApi.path } });
  const { rawPayload } = await app.inject('/page/js/scalar.js');
  await app.close();
  return promisify(gzip)(rawPayload);
}
