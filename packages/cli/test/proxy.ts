import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What came through a proxy. */
export interface Passed {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  trailers: Record<string, string | undefined>;
}

export interface RunningProxy {
  readonly apiRoot: string;
  readonly passed: Passed[];
  close(): void;
}

/** A proxy that counts. */
export interface CountingProxy extends RunningProxy {
  /** How many requests were under way at once. */
  mostAtOnce: number;
}

/**
 * Stands between a command and a server.
 * @param refuse gives the status with which a request is refused in the server's place
 */
export async function startProxy(
  target: string,
  refuse: (method: string, path: string) => number | undefined,
): Promise<CountingProxy> {
  const passed: Passed[] = [];
  const { origin } = new URL(target);
  let underWay = 0;
  const server = http.createServer((request, response) => {
    underWay++;
    proxy.mostAtOnce = Math.max(proxy.mostAtOnce, underWay);
    response.on('close', () => underWay--);
    const { method = 'GET', url = '/', headers } = request;
    const status = refuse(method, url);
    if (status !== undefined) {
      request.resume();
      // As a 1.6 server says it: one text.
      response
        .writeHead(status, { 'content-type': 'application/json' })
        .end('{"message":"refused\\nby the proxy"}');
      return;
    }
    const seen: Passed = { method, path: url, headers, trailers: {} };
    passed.push(seen);
    const onward = http.request(`${origin}${url}`, { method, headers }, (answer) => pass(answer, response));
    onward.on('error', () => response.destroy());
    request.on('data', (chunk) => onward.write(chunk));
    request.on('end', () => {
      seen.trailers = request.trailers;
      onward.addTrailers(request.trailers as Record<string, string>);
      onward.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const proxy: CountingProxy = {
    apiRoot: `http://127.0.0.1:${port}/api`,
    passed,
    mostAtOnce: 0,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}

function pass(answer: IncomingMessage, response: http.ServerResponse): void {
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.on('data', (chunk) => response.write(chunk));
  answer.on('end', () => {
    response.addTrailers(answer.trailers as Record<string, string>);
    response.end();
  });
}
