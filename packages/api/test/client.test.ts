import { createHash } from 'node:crypto';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Unavailable } from '@knitfab/core';
import { afterEach, describe, expect, it } from 'vitest';
import { createClient, ServerError } from '../src/index.ts';
import { dataExample, runExample } from './examples.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that speaks HTTP for itself, so that the client is tried against anything that may answer. */
async function serve(listener: RequestListener): Promise<ReturnType<typeof createClient>> {
  const server = http.createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createClient({ apiRoot: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/` });
  closing.push(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  return client;
}

const answer = (response: ServerResponse, status: number, body: string) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);

async function failure(promise: Promise<unknown>): Promise<ServerError> {
  const error = await promise.then(
    () => new Error('nothing failed'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('not an error');
  return error as ServerError;
}

async function bodyOf(request: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('a request', () => {
  it('goes to the path below the root, with ids and queries escaped', async () => {
    const seen: (string | undefined)[] = [];
    const client = await serve((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      answer(response, 200, '[]');
    });
    await client.findData({ tag: ['a:b&c', '型:生'], since: '2024-03-06T09:25:16+09:00' });
    await client.getRun('a/b');
    await client.findRuns({ status: ['done', 'failed'] });
    expect(seen[0]).toBe(
      'GET /api/data?tag=a%3Ab%26c&tag=%E5%9E%8B%3A%E7%94%9F&since=2024-03-06T09%3A25%3A16%2B09%3A00',
    );
    expect(seen[1]).toBe('GET /api/runs/a%2Fb');
    expect(seen[2]).toBe('GET /api/runs?status=done%2Cfailed');
  });

  it('is tried again when a kept connection turns out to be closed', async () => {
    let count = 0;
    const client = await serve((request, response) => {
      count += 1;
      // The second request arrives on the kept connection, which ends without an answer.
      if (count === 2) request.socket.destroy();
      else answer(response, 200, '[]');
    });
    await client.findData();
    await expect(client.findData()).resolves.toEqual([]);
    expect(count).toBe(3);
  });

  it('never sends a body that can not be sent twice on a kept connection', async () => {
    const sockets: Socket[] = [];
    const client = await serve((request, response) => {
      sockets.push(request.socket);
      const body = request.method === 'GET' ? '[]' : dataExample;
      request.resume().once('end', () => answer(response, 200, body));
    });
    async function* archive() {
      yield Buffer.from('an archive');
    }
    await client.findData();
    await client.uploadData(archive());
    await client.uploadData(archive());
    await client.findData();
    expect(new Set(sockets.slice(0, 3)).size).toBe(3);
    expect(sockets[3]).toBe(sockets[0]);
  });

  it('tells a server without a version from one that fails', async () => {
    const old = await serve((_, response) => answer(response, 404, '{"message":"not found"}'));
    await expect(old.getVersion()).resolves.toBeUndefined();
    const broken = await serve((_, response) => answer(response, 503, '{"message":"later"}'));
    await expect(broken.getVersion()).rejects.toThrow('later');
  });

  it('to retry works with the empty answer of a 1.6 server', async () => {
    const client = await serve((request, response) =>
      request.method === 'PUT' ? response.end() : answer(response, 200, runExample),
    );
    await expect(client.retryRun('x')).resolves.toEqual(JSON.parse(runExample));
  });
});

describe('an error', () => {
  it('of ours comes with its parts', async () => {
    const body = { message: 'taken\nlook', reason: 'taken', advice: 'look', see: 'x' };
    const client = await serve((_, response) => answer(response, 409, JSON.stringify(body)));
    const error = await failure(client.registerPlan({ image: 'a:b', inputs: [] }));
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ status: 409, reason: 'taken', advice: 'look', see: 'x' });
  });

  it('of a 1.6 server comes as one text with the advice on lines of its own', async () => {
    const client = await serve((_, response) =>
      answer(response, 400, JSON.stringify({ message: 'bad tag\nuse key:value\n caused by: EOF' })),
    );
    const error = await failure(client.findData());
    expect(error).toMatchObject({ status: 400, reason: 'bad tag', advice: 'use key:value\n caused by: EOF' });
  });

  it('of a proxy is quoted, without its markup', async () => {
    const client = await serve((_, response) =>
      response.writeHead(502).end('<html><h1>Bad Gateway</h1>\n<hr>nginx</html>'),
    );
    const error = await failure(client.findData());
    expect(error.reason).toBe('the answer was 502 Bad Gateway: Bad Gateway nginx');
    expect(error.advice).toContain('proxy');
  });

  it('is what a success without JSON is, too', async () => {
    const client = await serve((_, response) => response.end('<html>Please log in</html>'));
    expect((await failure(client.findData())).reason).toContain('Please log in');
  });

  it('says what to do when nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const error = await failure(createClient({ apiRoot: `http://127.0.0.1:${port}/api` }).findData());
    expect(error).toBeInstanceOf(Unavailable);
    expect(error.reason).toContain('nothing listens there');
    expect(error.advice).toContain('knit up');
  });

  it('says that the connection broke when an answer is cut off', async () => {
    const client = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('[', () => response.destroy());
    });
    const error = await failure(client.findData());
    expect(error).toBeInstanceOf(Unavailable);
    expect(error.reason).toContain('cut off');
  });
});

describe('an upload', () => {
  const chunks = [Buffer.from('abc'), Buffer.from('def')];
  async function* archive() {
    yield* chunks;
  }

  it('is chunked and followed by the MD5 of its bytes', async () => {
    const seen = Promise.withResolvers<{ body: Buffer; request: IncomingMessage }>();
    const client = await serve(async (request, response) => {
      const body = await bodyOf(request);
      seen.resolve({ body, request });
      answer(response, 200, dataExample);
    });
    await expect(client.uploadData(archive())).resolves.toEqual(JSON.parse(dataExample));
    const { body, request } = await seen.promise;
    expect(request.headers).toMatchObject({
      'transfer-encoding': 'chunked',
      'content-type': 'application/tar+gzip',
    });
    expect(body).toEqual(Buffer.concat(chunks));
    expect(request.trailers['x-checksum-md5']).toBe(createHash('md5').update(body).digest('hex'));
  });

  it('is cut off when its source fails, so that the server never sees its end', async () => {
    const seen = Promise.withResolvers<unknown>();
    const arrived = Promise.withResolvers<void>();
    const client = await serve((request) => {
      request.once('data', () => arrived.resolve());
      bodyOf(request).then(() => seen.resolve('complete'), seen.resolve);
    });
    async function* broken() {
      yield Buffer.from('abc');
      await arrived.promise;
      throw new Error('the disk is gone');
    }
    await expect(client.uploadData(broken())).rejects.toThrow('the disk is gone');
    await expect(seen.promise).resolves.toMatchObject({ code: 'ECONNRESET' });
  });

  it('stops when the server refuses it half-way, and says why', async () => {
    const client = await serve((request, response) => {
      request.once('data', () => answer(response, 400, '{"message":"no","reason":"a link leads out"}'));
    });
    let sent = 0;
    async function* endless() {
      for (;;) {
        sent += 1;
        yield Buffer.alloc(65_536);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    const error = await failure(client.uploadData(endless()));
    expect(error).toMatchObject({ status: 400, reason: 'a link leads out' });
    expect(sent).toBeGreaterThan(0);
  });

  it('ends with the reason of the signal that aborts it', async () => {
    const abort = new AbortController();
    const server = http.createServer((request) => {
      request.once('data', () => abort.abort(new Error('interrupted')));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = createClient({ apiRoot: `http://127.0.0.1:${port}/api`, signal: abort.signal });
    closing.push(() => server.close());
    async function* slow() {
      yield Buffer.from('abc');
      await new Promise((resolve) => abort.signal.addEventListener('abort', resolve));
      yield Buffer.from('def');
    }
    await expect(client.uploadData(slow())).rejects.toThrow('interrupted');
  });

  it('that is completely sent hears its answer, whatever the signal says by then', async () => {
    const abort = new AbortController();
    const server = http.createServer(async (request, response) => {
      await bodyOf(request);
      abort.abort(new Error('interrupted'));
      setImmediate(() => answer(response, 200, dataExample));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = createClient({ apiRoot: `http://127.0.0.1:${port}/api`, signal: abort.signal });
    closing.push(() => {
      client.close();
      server.close();
    });
    await expect(client.uploadData(archive())).resolves.toEqual(JSON.parse(dataExample));
  });
});

describe('a download', () => {
  it('gives the bytes, their type and, at the end, their checksum', async () => {
    let accept: string | undefined;
    const client = await serve((request, response) => {
      accept = request.headers.accept;
      response.writeHead(200, { 'content-type': 'application/x-tar', trailer: 'x-checksum-md5' });
      response.write('abc');
      response.addTrailers({ 'x-checksum-md5': '900150983cd24fb0d6963f7d28e17f72' });
      response.end();
    });
    const download = await client.downloadData('x', {
      accept: ['application/x-tar', 'application/tar+gzip'],
    });
    expect((await bodyOf(download.stream)).toString()).toBe('abc');
    expect(download.contentType).toBe('application/x-tar');
    expect(download.checksum()).toBe('900150983cd24fb0d6963f7d28e17f72');
    expect(accept).toBe('application/x-tar, application/tar+gzip;q=0.9');
  });

  it('that is cut off fails instead of ending early', async () => {
    const client = await serve((_, response) => {
      response.write('abc', () => response.destroy());
    });
    const { stream } = await client.downloadData('x');
    const error = await failure(bodyOf(stream));
    expect(error).toBeInstanceOf(Unavailable);
  });
});
