import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gzippedTar } from '../../../conformance/archive.ts';
import { md5, Wire } from '../../../conformance/wire.ts';
import { KnitServer } from '../../../e2e/knit-server.ts';

// What no client of good will sends: each is answered in the API's own way, and leaves the server as it was.

let server: KnitServer;
let wire: Wire;
let knitId: string;
const nobody = '00000000-0000-4000-8000-000000000000';
const archive = gzippedTar({ 'file.txt': 'content\n' });

beforeAll(async () => {
  server = await KnitServer.start();
  wire = new Wire(server.client.apiRoot.replace(/\/api$/, ''));
  knitId = await upload();
});
afterAll(async () => {
  wire.close();
  await server[Symbol.asyncDispose]();
});

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
const json = (answer: { json: unknown }): any => answer.json;
const upload = async () =>
  json(
    await wire.send('POST', '/api/data', {
      body: archive,
      headers: { 'content-type': 'application/tar+gzip' },
    }),
  ).knitId;
const put = (body: string | Buffer, more: object = {}) =>
  wire.send('PUT', `/api/data/${knitId}`, { body, ...more });
const tagsOf = (answer: { json: unknown }): string[] =>
  json(answer).tags.filter((tag: string) => !tag.startsWith('knit#'));
const error = { message: expect.any(String), reason: expect.any(String) };

/** A request as bytes; its answer, too. */
const raw = (head: string[], body: string | Buffer = '', options?: { half: boolean }) =>
  wire.raw(
    Buffer.concat([
      Buffer.from(`${head.join('\r\n')}\r\nHost: x\r\nConnection: close\r\n\r\n`),
      Buffer.from(body),
    ]),
    options,
  );

describe('HTTP', () => {
  test.each([
    ['a method that there is not', ['FOO /api/data HTTP/1.1'], 400],
    [
      'both Transfer-Encoding and Content-Length',
      ['PUT /api/data/x HTTP/1.1', 'Transfer-Encoding: chunked', 'Content-Length: 2'],
      400,
    ],
    ['two lengths', ['PUT /api/data/x HTTP/1.1', 'Content-Length: 2', 'Content-Length: 3'], 400],
    ['no HTTP', ['hello'], 400],
    [
      'headers of more than 4 MiB',
      ['GET /api/version HTTP/1.1', `X-Large: ${'x'.repeat(4 * 1024 * 1024)}`],
      431,
    ],
  ])('%s is refused in the shape of an error', async (_, head, status) => {
    const answer = await raw(head);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toMatchObject(error);
  });

  test.each(['HEAD', 'OPTIONS', 'TRACE', 'QUERY', 'PATCH'])(
    '%s is a method that no path has',
    async (method) => {
      const { status, headers } = await wire.send(method, '/api/data');
      expect([status, headers.allow]).toEqual([405, 'GET, POST']);
    },
  );

  test('who expects 100-continue is told to go on', async () => {
    const answer = await raw(
      [`PUT /api/data/${knitId} HTTP/1.1`, 'Expect: 100-continue', 'Content-Length: 2'],
      '{}',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  });

  test('HTTP/1.0 is answered, a download without its trailer', async () => {
    const answer = await wire.raw(`GET /api/data/${knitId} HTTP/1.0\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).not.toMatch(/chunked|x-checksum-md5/i);
  });
});

describe('an address', () => {
  test.each([
    '/api/data/%E0%A4%A',
    '/api/%zz',
    `/api/data/${'a'.repeat(5000)}`,
    '/api/../api/version',
    '//api/version',
    '/API/version',
    '/api/version;x=y',
    '/api%2Fversion',
  ])('%.40s is none', async (path) => {
    const answer = await wire.get(path);
    expect([answer.status, answer.json]).toEqual([404, expect.objectContaining(error)]);
  });

  test.each(['tag=%zz', 'tag=%E0%A4%A', 'tag=a:%ff'])(
    'whose query is no percent-encoded UTF-8 (%s) is malformed',
    async (query) => {
      expect((await wire.get(`/api/data?${query}`)).status).toBe(400);
    },
  );

  test('takes "+" for a space, blank parameters for none, and the last of several', async () => {
    const spaced = json(await put(JSON.stringify({ add: ['space:a b'] }))).knitId;
    expect(
      json(await wire.get('/api/data?tag=space:a+b')).map((data: { knitId: string }) => data.knitId),
    ).toEqual([spaced]);
    expect(
      json(await wire.get('/api/runs?plan=&status=&since=&duration=&knitIdInput')).length,
    ).toBeGreaterThan(0);
    expect((await wire.get('/api/runs?since=nonsense&since=2024-01-01T00:00:00Z')).status).toBe(200);
    expect((await wire.get('/api/data?__proto__=x&constructor=y&toString=z&tag[]=w')).status).toBe(200);
  });

  test('may name a tag of 1 MiB, hundreds of tags, and thousands of ids', async () => {
    const value = '値'.repeat(1024 * 300);
    await put(
      JSON.stringify({ add: [`large:${value}`, ...Array.from({ length: 300 }, (_, at) => `many:${at}`)] }),
    );
    const found = async (query: string[][]) =>
      json(await wire.get(`/api/data?${new URLSearchParams(query as [string, string][])}`)).length;
    expect(await found([['tag', `large:${value}`]])).toBe(1);
    expect(await found(Array.from({ length: 300 }, (_, at) => ['tag', `many:${at}`]))).toBe(1);
    expect((await wire.get(`/api/runs?plan=${Array(3000).fill(nobody).join()}`)).json).toEqual([]);
    await put(JSON.stringify({ remove_key: ['large', 'many'] }));
  });
});

describe('a body', () => {
  test.each([
    ['empty', ''],
    ['blank', ' \r\n '],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
    ['followed by another', '{} {}'],
    ['nested 100,000 deep', '['.repeat(100_000)],
    ['nested 100,000 deep in a field', `{"add":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['null', 'null'],
    ['a number where a tag is wanted', '{"add":[1e999]}'],
    ['half of a surrogate pair', '{"add":["a:\\ud800"]}'],
    ['U+0000', '{"add":["a:\\u0000"]}'],
    ['compressed', gzipSync('{}')],
  ])('that is %s is malformed', async (_, body) => {
    const answer = await put(body);
    expect([answer.status, answer.json]).toEqual([400, expect.objectContaining(error)]);
  });

  test('may begin with a byte order mark; of equal fields the last one counts; __proto__ is a field like any other', async () => {
    expect((await put('\ufeff{}')).status).toBe(200);
    expect(tagsOf(await put('{"add":["first:1"],"add":["last:1"],"remove":["space:a b"]}'))).toEqual([
      'last:1',
    ]);
    expect(tagsOf(await put('{"__proto__":{"add":["sneaky:1"]},"constructor":{}}'))).toEqual(['last:1']);
  });

  test('of more than 64 MiB is refused, and its sender hears so', async () => {
    const mebibyte = Buffer.alloc(1024 * 1024, ' ');
    const answer = await wire.send('PUT', `/api/data/${knitId}`, {
      body: Array<Buffer>(66).fill(mebibyte),
      chunked: true,
    });
    expect([answer.status, json(answer).reason]).toEqual([400, 'the body is larger than 64 MiB']);
  });

  test('may hold 10,000 tags', async () => {
    const add = Array.from({ length: 10_000 }, (_, at) => `number:${at}`);
    expect(tagsOf(await put(JSON.stringify({ add })))).toHaveLength(10_001);
    expect(tagsOf(await put(JSON.stringify({ remove_key: ['number'] })))).toEqual(['last:1']);
  });

  test('with several faults tells the first one in full and how many more there are', async () => {
    const { reason } = json(await put('{"add":[5,6],"remove":"x"}'));
    expect(reason).toMatch(/^add\[0\]: must be a tag.*, and 2 more problems$/);
  });

  test('is not repeated at length by the error', async () => {
    const image = 'I'.repeat(1024 * 1024);
    const answer = await wire.post('/api/plans', { image, inputs: [{ path: '/in', tags: ['a:b'] }] });
    expect(answer.status).toBe(400);
    expect(answer.bytes.length).toBeLessThan(2000);
  });
});

describe('an upload', () => {
  const head = `POST /api/data HTTP/1.1\r\nHost: x\r\nContent-Type: application/tar+gzip\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const request = Buffer.concat([
    Buffer.from(`${head}${archive.length.toString(16)}\r\n`),
    archive,
    Buffer.from(`\r\n0\r\nx-checksum-md5: ${md5(archive)}\r\n\r\n`),
  ]);

  test('that is cut off at any stage makes no Data, and its space is given back', async () => {
    const volumes = join(server.dataDirectory, 'local', 'volumes');
    const before = [json(await wire.get('/api/data')).length, (await readdir(volumes)).length];
    const stages = Array.from({ length: 24 }, (_, at) => Math.floor(((at + 1) * (request.length - 1)) / 24));
    await Promise.all(
      stages.map((length) => wire.raw(request.subarray(0, length), { half: length % 2 === 0 })),
    );
    await expect
      .poll(async () => [json(await wire.get('/api/data')).length, (await readdir(volumes)).length], {
        timeout: 20_000,
      })
      .toEqual(before);
  });

  const gzip = (bytes: Buffer) => gzipSync(bytes);
  const tarEnd = Buffer.alloc(1024);
  test.each([
    ['of no bytes', 400, Buffer.alloc(0)],
    ['that is the gzip of nothing', 400, gzip(Buffer.alloc(0))],
    ['of one zero block', 400, gzip(Buffer.alloc(512))],
    ['with garbage after the gzip stream', 400, Buffer.concat([gzip(tarEnd), Buffer.from('garbage')])],
    ['of zeros that never end', 400, gzip(Buffer.alloc(50_000_000))],
    ['of two gzip members', 200, Buffer.concat([gzip(Buffer.alloc(512)), gzip(Buffer.alloc(512))])],
  ])('%s is answered with %i', async (_, status, body) => {
    const answer = await wire.send('POST', '/api/data', {
      body,
      headers: { 'content-type': 'application/tar+gzip' },
    });
    expect(answer.status).toBe(status);
  });

  test('of a file that is compressed a thousandfold is a Data like any other', async () => {
    const zeros = 'x'.repeat(5_000_000);
    const body = gzippedTar({ 'zeros.txt': zeros });
    const answer = await wire.send('POST', '/api/data', { body, chunked: true });
    expect([body.length < 10_000, answer.status]).toEqual([true, 200]);
  });

  test('may leave its type out, but not name another', async () => {
    const send = (type?: string) =>
      wire.send('POST', '/api/data', { body: archive, ...(type && { headers: { 'content-type': type } }) });
    expect((await send()).status).toBe(200);
    expect((await send('application/tar+gzip; charset=binary')).status).toBe(200);
    expect((await send('text/plain')).status).toBe(400);
  });
});

test('after all of this the server is well', async () => {
  expect((await wire.get('/readyz')).status).toBe(200);
});
