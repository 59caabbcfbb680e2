import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Passed, RunningProxy } from './proxy.ts';

// A stand-in for a Knitfab 1.6 server, since the real one can't be had here: it stands before a server of ours, and lets
// through only what spec page 2 promises of 1.6, in the strictest reading of it. Whatever is an addition of ours does not
// exist, and every freedom that page 2 leaves to a server is taken.

export interface Strictness {
  /** Paths with a trailing `/` only, without it only, or sent on to those with it. */
  readonly slash: 'always' | 'never' | 'redirect';
  /** Empty lists are written as `null`. */
  readonly nulls: boolean;
  /** Downloads are followed by their MD5. */
  readonly checksums: boolean;
  /** Certificate and key, PEM, for HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

type Shape = true | { readonly [field: string]: Shape };

const planSummary = {
  planId: true,
  image: true,
  name: true,
  entrypoint: true,
  args: true,
  annotations: true,
} as const;
const mountpoint = { path: true, tags: true } as const;
const logPoint = { tags: true } as const;
const connection = { plan: planSummary, mountpoint, log: logPoint } as const;
const planDetail = {
  ...planSummary,
  inputs: { ...mountpoint, upstreams: connection },
  outputs: { ...mountpoint, downstreams: connection },
  log: { ...logPoint, downstreams: connection },
  active: true,
  on_node: { may: true, prefer: true, must: true },
  resources: true,
  service_account: true,
} as const;
const runSummary = {
  runId: true,
  status: true,
  updatedAt: true,
  exit: { code: true, message: true },
  plan: planSummary,
} as const;
const assignment = { ...mountpoint, knitId: true } as const;
const runDetail = {
  ...runSummary,
  inputs: assignment,
  outputs: assignment,
  log: { ...logPoint, knitId: true },
} as const;
const dataDetail = {
  knitId: true,
  tags: true,
  upstream: { run: runSummary, mountpoint, log: logPoint },
  downstreams: { mountpoint, run: runSummary },
  nomination: { ...mountpoint, plan: planSummary },
} as const;

interface Row {
  readonly method: string;
  readonly path: RegExp;
  /** What the answer's JSON holds; bytes have no shape, `empty` has no body. */
  readonly answer: Shape | 'bytes' | 'empty';
  readonly query?: readonly string[];
}

const id = '[^/]+';
const interval = ['since', 'duration'];
const row = (method: string, path: string, answer: Row['answer'], query: readonly string[] = []): Row => ({
  method,
  path: new RegExp(`^/api/${path}$`),
  answer,
  query,
});

/** The rows of page 2's table of resources. */
const rows: readonly Row[] = [
  row('GET', 'data', dataDetail, ['tag', ...interval]),
  row('POST', 'data', dataDetail),
  row('GET', `data/${id}`, 'bytes'),
  row('PUT', `data/${id}`, dataDetail),
  row('GET', 'plans', planDetail, ['active', 'image', 'in_tag', 'out_tag']),
  row('POST', 'plans', planDetail),
  row('GET', `plans/${id}`, planDetail),
  row('PUT', `plans/${id}/active`, planDetail),
  row('DELETE', `plans/${id}/active`, planDetail),
  row('PUT', `plans/${id}/resources`, planDetail),
  row('PUT', `plans/${id}/annotations`, planDetail),
  row('PUT', `plans/${id}/serviceaccount`, planDetail),
  row('DELETE', `plans/${id}/serviceaccount`, planDetail),
  row('GET', 'runs', runDetail, ['plan', 'knitIdInput', 'knitIdOutput', 'status', ...interval]),
  row('GET', `runs/${id}`, runDetail),
  row('GET', `runs/${id}/log`, 'bytes', ['follow']),
  row('PUT', `runs/${id}/abort`, runDetail),
  row('PUT', `runs/${id}/tearoff`, runDetail),
  row('PUT', `runs/${id}/retry`, 'empty'),
  row('DELETE', `runs/${id}`, 'empty'),
];

/** Starts a stand-in before a server. */
export async function startStrictServer(target: string, strictness: Strictness): Promise<RunningProxy> {
  const passed: Passed[] = [];
  const { origin } = new URL(target);
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answer(request, response).catch(() => response.destroy());
  };
  const server = strictness.tls ? https.createServer(strictness.tls, listener) : http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request;
    const url = new URL(request.url ?? '/', origin);
    const path = url.pathname.replace(/\/$/, '');
    const found = rows.find((each) => each.method === method && each.path.test(path));
    if (path !== url.pathname ? strictness.slash === 'never' : strictness.slash === 'always')
      return refuse(request, response, 404, 'Not Found');
    if (path === url.pathname && strictness.slash === 'redirect') {
      request.resume();
      // Where the server takes itself to be: a proxy before it speaks TLS, and it does not know.
      response.writeHead(301, { location: `http://inside.example.com${path}/${url.search}` }).end();
      return;
    }
    if (found === undefined) return refuse(request, response, 404, 'Not Found');
    const isUpload = method === 'POST' && path === '/api/data';
    if (isUpload && headers['content-type'] !== 'application/tar+gzip') {
      return refuse(request, response, 400, `unexpected Content-Type: ${headers['content-type']}`);
    }
    for (const name of [...url.searchParams.keys()]) {
      if (!found.query?.includes(name)) url.searchParams.delete(name);
    }
    const seen: Passed = { method, path: request.url ?? '/', headers, trailers: {} };
    passed.push(seen);
    const { accept, ...others } = headers;
    const onward = http.request(`${origin}${path}${url.search}`, {
      method,
      headers: {
        ...others,
        ...(found.answer === 'bytes' && { accept: 'application/tar+gzip, application/octet-stream' }),
      },
    });
    const answered = new Promise<IncomingMessage>((resolve, reject) =>
      onward.on('response', resolve).on('error', reject),
    );
    request.on('data', (chunk) => onward.write(chunk));
    request.on('close', () => request.complete || onward.destroy());
    request.on('end', () => {
      seen.trailers = request.trailers;
      onward.addTrailers(request.trailers as Record<string, string>);
      onward.end();
    });
    await handOver(await answered, response, found, path);
  }

  async function handOver(
    from: IncomingMessage,
    to: ServerResponse,
    { answer }: Row,
    path: string,
  ): Promise<void> {
    const status = from.statusCode ?? 502;
    if (status < 300 && answer === 'bytes') {
      to.writeHead(status, { 'content-type': from.headers['content-type'] });
      to.flushHeaders();
      for await (const chunk of from) to.write(chunk);
      if (strictness.checksums) to.addTrailers(from.trailers as Record<string, string>);
      to.end();
      return;
    }
    const body = await buffer(from);
    if (status < 300 && answer === 'empty') {
      to.writeHead(status).end();
      return;
    }
    to.writeHead(status, { 'content-type': 'application/json' });
    if (status < 300) {
      to.end(
        shortTimes(JSON.stringify(only(JSON.parse(body.toString()), answer as Shape, strictness.nulls))),
      );
    } else {
      const { message } = JSON.parse(body.toString()) as { message: string };
      to.end(
        JSON.stringify({
          message: status === 409 && path === '/api/plans' ? 'there is an equal plan' : message,
        }),
      );
    }
  }

  const { port } = server.address() as AddressInfo;
  return {
    apiRoot: `${strictness.tls ? 'https' : 'http'}://127.0.0.1:${port}/api`,
    passed,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, message: string): void {
  request.resume();
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
}

/** The fields that a shape names, and no others; empty lists as `null` where that is wanted. */
function only(value: unknown, shape: Shape, nulls: boolean): unknown {
  if (Array.isArray(value))
    return value.length === 0 && nulls ? null : value.map((item) => only(item, shape, nulls));
  if (typeof value !== 'object' || value === null || shape === true) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) => {
      const part = shape[name];
      return part === undefined ? [] : [[name, only(field, part, nulls)]];
    }),
  );
}

/** Trailing zeros of the fraction of a second are left out. */
const shortTimes = (json: string): string =>
  json.replaceAll(/(T\d\d:\d\d:\d\d)\.(\d*?)0*(?=[+-]\d\d:\d\d)/g, (_, seconds: string, digits: string) =>
    digits === '' ? seconds : `${seconds}.${digits}`,
  );
