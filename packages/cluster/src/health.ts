import { createServer } from 'node:http';
import { promisify } from 'node:util';
import type { Registry } from 'prom-client';

export interface Health {
  /** Where it listens. */
  readonly port: number;
  close(): Promise<void>;
}

export interface HealthOptions {
  readonly registry: Registry;
  /** Whether the component does its work. */
  isReady(): boolean;
  /** 9090 when left out; 0 for any free one. */
  readonly port?: number;
}

/** Serves `/healthz`, `/readyz` and `/metrics`, for Kubernetes and Prometheus. */
export async function serveHealth({ registry, isReady, port = 9090 }: HealthOptions): Promise<Health> {
  const server = createServer(async (request, response) => {
    const answer = (status: number, text: string, type = 'text/plain; charset=utf-8') =>
      response.writeHead(status, { 'content-type': type }).end(text);
    switch (request.url?.split('?', 1)[0]) {
      case '/healthz':
        return answer(200, 'ok\n');
      case '/readyz':
        return isReady() ? answer(200, 'ok\n') : answer(503, 'not ready\n');
      case '/metrics':
        return answer(200, await registry.metrics(), registry.contentType);
      default:
        return answer(404, 'there are /healthz, /readyz and /metrics\n');
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async close() {
      server.closeAllConnections();
      await promisify(server.close.bind(server))();
    },
  };
}
