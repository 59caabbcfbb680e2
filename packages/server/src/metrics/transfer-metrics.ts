import type { Socket } from 'node:net';
import { endpoints } from '@knitfab/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

type Direction = 'push' | 'pull';

/** Counts Data on their way in and out. */
export function observeTransfers(app: FastifyInstance, registers: Registry[]): void {
  const inFlight = new Gauge({
    name: 'knit_transfers_in_flight',
    help: 'Data on their way in (push) and out (pull)',
    labelNames: ['direction'],
    registers,
  });
  const bytes = new Counter({
    name: 'knit_transfer_bytes_total',
    help: 'Bytes of transfers as they go over the wire, counted when they end',
    labelNames: ['direction'],
    registers,
  });
  const seconds = new Histogram({
    name: 'knit_transfer_seconds',
    help: 'How long transfers took, by whether they came to their end (done) or not (failed)',
    labelNames: ['direction', 'outcome'],
    buckets: [0.01, 0.1, 1, 10, 60, 600, 3600],
    registers,
  });
  for (const direction of ['push', 'pull'] as const) {
    inFlight.set({ direction }, 0);
    bytes.inc({ direction }, 0);
  }
  /** What a connection, which may be used again, had brought in for the requests before. */
  const alreadyRead = new WeakMap<Socket, number>();
  app.addHook('onRequest', (request, { raw: answer }, done) => {
    const { socket } = request.raw;
    const bytesBefore = { push: alreadyRead.get(socket) ?? 0, pull: socket.bytesWritten };
    answer.once('close', () => alreadyRead.set(socket, socket.bytesRead));
    const direction = directionOf(request);
    if (direction === undefined) return done();
    const begun = performance.now();
    inFlight.inc({ direction });
    answer.once('close', () => {
      const outcome = answer.statusCode < 300 && answer.writableFinished ? 'done' : 'failed';
      inFlight.dec({ direction });
      const bytesAfter = direction === 'push' ? socket.bytesRead : socket.bytesWritten;
      bytes.inc({ direction }, bytesAfter - bytesBefore[direction]);
      seconds.observe({ direction, outcome }, (performance.now() - begun) / 1000);
    });
    done();
  });
}

function directionOf({ method, routeOptions, query }: FastifyRequest): Direction | undefined {
  const { uploadData, downloadData } = endpoints;
  if (method === uploadData.method && routeOptions.url === uploadData.path) {
    return (query as { dry_run?: string }).dry_run === 'true' ? undefined : 'push';
  }
  return method === downloadData.method && routeOptions.url === downloadData.path ? 'pull' : undefined;
}
