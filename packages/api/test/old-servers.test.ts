import http, { type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { knowsParameter } from '../src/client/known-parameter.ts';
import { withoutNulls } from '../src/client/without-nulls.ts';
import { createClient, openApi, ServerError } from '../src/index.ts';

// What servers of other makes, and what stands before them, do differently.

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function serve(listener: RequestListener) {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = createClient({ apiRoot: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api` });
  closing.push(() => {
    client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, asked };
}

describe('an answer', () => {
  it('with null for lists and for fields without a value is what the shapes say', () => {
    const answer = {
      runId: '1',
      exit: null,
      plan: { image: 'a:b', args: null },
      inputs: null,
      outputs: [{ path: '/out', tags: null, knitId: '2' }],
      log: null,
    };
    expect(withoutNulls(answer)).toEqual({
      runId: '1',
      plan: { image: 'a:b' },
      inputs: [],
      outputs: [{ path: '/out', tags: [], knitId: '2' }],
      log: null,
    });
  });

  it('of null is an empty list, in whatever pieces it comes', async () => {
    const { client } = await serve((_, response) => {
      response.write(' nu', () => response.end('ll\n'));
    });
    expect(await client.findRuns()).toEqual([]);
    expect(await client.findPlans()).toEqual([]);
    expect(await client.getData('x')).toBeUndefined();
    const { items } = await client.eachRun();
    for await (const run of items) expect.unreachable(JSON.stringify(run));
  });

  it('of nothing that is a list is refused', async () => {
    for (const text of ['nul', 'nullnull', 'null []', '{}', '']) {
      const { client } = await serve((_, response) => response.end(text));
      const { items } = await client.eachRun();
      const readAll = async () => {
        for await (const _ of items);
      };
      await expect(readAll()).rejects.toThrow(ServerError);
    }
  });
});

describe('a path', () => {
  const onlyWithSlash: RequestListener = (request, response) => {
    if (request.url?.split('?')[0]?.endsWith('/')) response.end('[]');
    else response.writeHead(404).end('{"message":"Not Found"}');
  };

  it('gets the trailing slash that a server wants, once that is known at once', async () => {
    const { client, asked } = await serve(onlyWithSlash);
    await client.findRuns({ status: ['done'] });
    await client.findRuns();
    expect(asked).toEqual(['GET /api/runs?status=done', 'GET /api/runs/?status=done', 'GET /api/runs/']);
  });

  it('gets it, too, when the server sends on to it', async () => {
    const { client, asked } = await serve((request, response) => {
      const path = request.url ?? '';
      if (path.endsWith('/')) response.end('[]');
      else response.writeHead(308, { location: `http://elsewhere.example.com${path}/` }).end();
    });
    await client.findRuns();
    expect(asked).toEqual(['GET /api/runs', 'GET /api/runs/']);
  });

  it('is not tried otherwise once a server has understood one', async () => {
    const { client, asked } = await serve((request, response) => {
      if (request.url === '/api/runs') response.end('[]');
      else response.writeHead(404).end('{"message":"there is no Run"}');
    });
    await client.findRuns();
    await expect(client.getRun('x')).rejects.toThrow('there is no Run');
    expect(asked).toEqual(['GET /api/runs', 'GET /api/runs/x']);
  });

  it('that neither spelling finds is told of by whoever says more', async () => {
    const { client } = await serve((request, response) => {
      const message = request.url?.endsWith('/') ? 'there is no Run x' : 'Not Found';
      response.writeHead(404).end(JSON.stringify({ message }));
    });
    await expect(client.getRun('x')).rejects.toThrow('there is no Run x');
  });

  it('that leads elsewhere is no answer', async () => {
    const { client, asked } = await serve((_, response) =>
      response.writeHead(302, { location: 'https://login.example.com/' }).end(),
    );
    await expect(client.findRuns()).rejects.toThrow(/sends on to https:\/\/login\.example\.com\/\n.*https/);
    expect(asked).toHaveLength(1);
  });
});

describe('a dry run', () => {
  it('is asked only of a server that says it knows them', async () => {
    const spec = { image: 'a:b', inputs: [] };
    const old = await serve((_, response) => response.writeHead(404).end('{"message":"Not Found"}'));
    await expect(old.client.dryRunPlan(spec)).rejects.toThrow(/does not know dry runs/);
    const other = await serve((_, response) =>
      response.end('{"openapi":"3.1.0","paths":{"/api/plans":{"post":{"operationId":"registerPlan"}}}}'),
    );
    await expect(other.client.dryRunPlan(spec)).rejects.toThrow(/does not know dry runs/);
    for (const { asked } of [old, other]) expect(asked.some((each) => each.startsWith('POST'))).toBe(false);
  });

  it('is known to this one', () => {
    const document = openApi('1.0.0');
    for (const operation of ['registerPlan', 'tagData', 'uploadData'] as const)
      expect(knowsParameter(document, operation, 'dry_run')).toBe(true);
    expect(knowsParameter(document, 'getPlan', 'dry_run')).toBe(false);
    for (const nothing of [{}, { paths: null }, { paths: { a: { get: null } } }])
      expect(knowsParameter(nothing, 'getPlan', 'dry_run')).toBe(false);
  });
});
