import http, { type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KnitServer } from '../e2e/knit-server.ts';
import type { Row } from './row.ts';
import { activePlan } from './rows/active-plan.ts';
import { additions } from './rows/additions.ts';
import { deleteRun } from './rows/delete-run.ts';
import { downloadData } from './rows/download-data.ts';
import { executedRun } from './rows/executed-run.ts';
import { findData } from './rows/find-data.ts';
import { findRuns } from './rows/find-runs.ts';
import { general } from './rows/general.ts';
import { getRun } from './rows/get-run.ts';
import { planAnnotations } from './rows/plan-annotations.ts';
import { registerPlan } from './rows/register-plan.ts';
import { retryRun } from './rows/retry-run.ts';
import { runLog } from './rows/run-log.ts';
import { tagData } from './rows/tag-data.ts';
import { uploadData } from './rows/upload-data.ts';
import { type Result, results } from './suite.ts';
import { Wire } from './wire.ts';
import { World } from './world.ts';

// A suite that finds nothing may be blind. Here a server that serves the API stands behind a proxy that deviates from it.

interface Exchange {
  readonly method: string;
  readonly path: string;
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  trailers: Record<string, string | undefined>;
}

let server: KnitServer;
beforeAll(async () => {
  server = await KnitServer.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

const read = async (message: IncomingMessage): Promise<Buffer> => Buffer.concat(await message.toArray());

/** Hands requests on, and answers after `deviate` has changed them. */
async function deviating(deviate: (exchange: Exchange) => void): Promise<Server> {
  const proxy = http.createServer(async (request, response) => {
    const body = await read(request).catch(() => undefined);
    if (body === undefined) return;
    const onward = http.request(`${new URL(server.client.apiRoot).origin}${request.url}`, {
      method: request.method ?? '',
      headers: {
        ...request.headers,
        ...(request.headers['transfer-encoding'] && { 'transfer-encoding': 'chunked' }),
      },
    });
    onward.on('response', async (answer) => {
      const exchange: Exchange = {
        method: request.method ?? '',
        path: request.url ?? '',
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        body: await read(answer),
        trailers: answer.trailers,
      };
      deviate(exchange);
      const { 'content-length': _, 'transfer-encoding': __, trailer: ___, ...headers } = exchange.headers;
      response.writeHead(exchange.status, {
        ...headers,
        ...(exchange.status !== 204 && { 'transfer-encoding': 'chunked' }),
      });
      response.write(exchange.body);
      response.addTrailers(exchange.trailers as Record<string, string>);
      response.end();
    });
    onward.write(body);
    onward.addTrailers(request.trailers as Record<string, string>);
    onward.end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return proxy;
}

const text = (change: (text: string) => string) => (exchange: Exchange) => {
  const isJson = String(exchange.headers['content-type']).startsWith('application/json');
  if (isJson) exchange.body = Buffer.from(change(exchange.body.toString()));
};
const status = (from: number, to: number) => (exchange: Exchange) => {
  if (exchange.status === from) exchange.status = to;
};

test.each<[string, Row, (exchange: Exchange) => void]>([
  ['nothing', findData, () => {}],
  ['times that end in Z', findData, text((json) => json.replaceAll('+00:00"', 'Z"'))],
  ['lists that are null when empty', uploadData, text((json) => json.replaceAll('[]', 'null'))],
  ['a name beside each image', getRun, text((json) => json.replaceAll('"image":', '"name":"x","image":'))],
  [
    'an exit of every Run',
    getRun,
    text((json) => json.replaceAll('"status":', '"exit":{"code":0,"message":""},"status":')),
  ],
  ['no log instead of null', getRun, text((json) => json.replaceAll('"log":null', '"logs":null'))],
  [
    'downloads without a checksum',
    downloadData,
    (exchange) => {
      exchange.trailers = {};
    },
  ],
  [
    'downloads of another type',
    downloadData,
    (exchange) => {
      exchange.headers['content-type'] = 'application/gzip';
    },
  ],
  ['400 for a malformed id', downloadData, status(404, 400)],
  ['errors without a message', tagData, text((json) => json.replaceAll('"message":', '"error":'))],
  ['400 for an equal Plan', registerPlan, status(409, 400)],
  [
    'active the other way round',
    activePlan,
    text((json) =>
      json.replaceAll('"active":true', '"active":null').replaceAll('"active":false', '"active":true'),
    ),
  ],
  [
    'empty annotations',
    planAnnotations,
    text((json) => json.replaceAll('"inputs":', '"annotations":[],"inputs":')),
  ],
  [
    'no Allow',
    general,
    (exchange) => {
      delete exchange.headers.allow;
    },
  ],
  ['200 for a deletion', deleteRun, status(204, 200)],
  ['404 for a log that is not there yet', runLog, status(503, 404)],
  [
    'unknown statuses that fit nothing',
    findRuns,
    (exchange) => {
      if (exchange.status === 400 && exchange.path.includes('status='))
        Object.assign(exchange, { status: 200, body: Buffer.from('[]') });
    },
  ],
])('a server that answers with %s is found out', async (what, row, deviate) => {
  const failed = (await tried([row], deviate)).filter(({ result }) => result === 'failed');
  if (what === 'nothing') expect(failed).toEqual([]);
  else expect(failed).not.toEqual([]);
});

test('a server of 1.6, which has no additions and sends messages alone, is not blamed for it', async () => {
  const unknown = ['/api/openapi.json', '/api/version'];
  const all = await tried([registerPlan, retryRun, executedRun, additions], (exchange) => {
    if (unknown.includes(exchange.path))
      Object.assign(exchange, { status: 404, body: Buffer.from('{"message":"Not Found"}') });
    if (exchange.path.endsWith('/retry') && exchange.status === 200) exchange.body = Buffer.alloc(0);
    if (exchange.status >= 400)
      exchange.body = Buffer.from(JSON.stringify({ message: JSON.parse(exchange.body.toString()).message }));
  });
  expect(all.filter(({ result }) => result === 'failed')).toEqual([]);
  const untried = all.filter(({ result }) => result === 'not tried').map(({ row }) => row);
  expect(new Set(untried)).toEqual(new Set([executedRun.name, additions.name]));
});

/** What the suite says of a server behind a proxy that deviates. */
async function tried(rows: readonly Row[], deviate: (exchange: Exchange) => void): Promise<Result[]> {
  const proxy = await deviating(deviate);
  const wire = new Wire(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  const all: Result[] = [];
  for await (const each of results(rows, () => new World(wire, { command: ['sh', '-c'], patience: 3000 })))
    all.push(each);
  wire.close();
  proxy.closeAllConnections();
  proxy.close();
  return all;
}
