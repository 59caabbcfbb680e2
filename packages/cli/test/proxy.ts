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

/**
 * Stands between a command and a server.
 * @param refuse gives the status with which a request is refused in the server's place
 */
export async function startProxy(
  target: string,
  refuse: (method: string, path: string) => number | undefined,
): Promise<RunningProxy> {
  const passed: Passed[] = [];
  const { origin } = new URL(target);
  const server = http.createServer((request, response) => {
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
  return {
    apiRoot: `http://127.0.0.1:${port}/api`,
    passed,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function pass(answer: IncomingMessage, response: http.ServerResponse): void {
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.on('data', (chunk) => response.write(chunk));
  answer.on('end', () => {
    response.addTrailers(answer.trailers as Record<string, string>);
    response.end();
  });
}
