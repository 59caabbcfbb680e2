import type { FastifyInstance } from 'fastify';
import { Gauge, Histogram, type Registry } from 'prom-client';

/** Counts requests and how long they take, by route; transfers, events and logs take as long as they do. */
export function observeRequests(app: FastifyInstance, registers: Registry[]): void {
  const seconds = new Histogram({
    name: 'knit_http_request_seconds',
    help: 'How long requests took until the last byte of their answer was sent, or they were broken off (status 0)',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60],
    registers,
  });
  const inFlight = new Gauge({
    name: 'knit_http_requests_in_flight',
    help: 'Requests that are being answered',
    registers,
  });
  app.addHook('onRequest', (request, { raw: answer }, done) => {
    const begun = performance.now();
    // A path that there is not could be any text, and each would be a series of its own.
    const labels = { method: request.method, route: request.routeOptions.url ?? 'none' };
    inFlight.inc();
    answer.once('close', () => {
      inFlight.dec();
      const status = answer.headersSent ? answer.statusCode : 0;
      seconds.observe({ ...labels, status }, (performance.now() - begun) / 1000);
    });
    done();
  });
}
