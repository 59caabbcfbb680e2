import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type ServerEvent } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KnitServer } from '../../../e2e/knit-server.ts';

let server: KnitServer;
let tree: string;

beforeAll(async () => {
  server = await KnitServer.start();
  tree = await mkdtemp(join(tmpdir(), 'knit-tree-'));
  await writeFile(join(tree, 'file'), 'one line\n');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(tree, { recursive: true });
});

type Fits = (block: string) => boolean;

/** A connection that reads events, as bytes come over the wire. */
async function connected(headers: Record<string, string> = {}, path = '/api/events') {
  const { hostname, port } = new URL(server.client.apiRoot);
  const sent = request({ hostname, port, path, headers });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  answer.setEncoding('utf8');
  answer.on('data', (chunk) => {
    text += chunk;
  });
  answer.on('error', () => {}); // it is broken off at the end
  /** The blocks so far, once there is one that fits; or one that fits after another one. */
  const until = async (fits: Fits, after?: Fits): Promise<string[]> => {
    const blocks = () => text.split('\n\n').slice(0, -1);
    const isThere = () => {
      const first = after === undefined ? 0 : blocks().findIndex(after);
      return first >= 0 && blocks().slice(first).some(fits);
    };
    while (!isThere()) await once(answer, 'data');
    return blocks();
  };
  return { answer, until, close: () => sent.destroy() };
}

const field = (block: string, name: string) =>
  block
    .split('\n')
    .find((line) => line.startsWith(`${name}: `))
    ?.slice(name.length + 2);
const isAbout =
  (knitId: string, tag: string): Fits =>
  (block) =>
    field(block, 'event') === 'data' && block.includes(knitId) && block.includes(tag);
const isDone: Fits = (block) => block.includes('"status":"done"');

describe('the stream of events', () => {
  test('is told at once, each event with its id, and goes through proxies unchanged', async () => {
    const reader = await connected();
    expect(reader.answer.statusCode).toBe(200);
    expect(reader.answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    await reader.until((block) => field(block, 'id') !== undefined); // where it begins
    const knitId = await server.push(tree, 'e1:a');
    await reader.until(isAbout(knitId, 'e1:a'));
    const blocks = await reader.until(isDone);
    const events = blocks.filter((block) => field(block, 'event') !== undefined);
    expect(events.every((block) => field(block, 'id') !== undefined)).toBe(true);
    const runs = events.filter((block) => field(block, 'event') === 'run');
    expect(runs.map((block) => JSON.parse(field(block, 'data') ?? ''))).toMatchObject([
      { status: 'running', plan: { name: 'knit#uploaded' } },
      { status: 'completing' },
      { status: 'done', updatedAt: expect.stringMatching(/\+00:00$/) },
    ]);
    reader.close();
  });

  test('goes on after the last event that is known, named by header or in the address', async () => {
    const reader = await connected();
    const first = await server.push(tree, 'e2:first');
    // A Data is told of when its upload begins, and with the tags of now: its last event is the one after its end.
    const blocks = await reader.until(isAbout(first, 'e2:first'), isDone);
    const seen = blocks.findLast(isAbout(first, 'e2:first')) ?? '';
    reader.close();
    const second = await server.push(tree, 'e2:second');
    const id = field(seen, 'id') ?? '';
    for (const returned of [
      await connected({ 'last-event-id': id }),
      await connected({}, `/api/events/?lastEventId=${encodeURIComponent(id)}`),
    ]) {
      // the tags of a Data are those that it has when it is told: they are there from its beginning on
      await returned.until(isAbout(second, 'e2:second'));
      const blocks = await returned.until(isDone);
      expect(blocks.some((block) => block.includes(first))).toBe(false);
      expect(blocks.filter((block) => field(block, 'event') === 'run')).toHaveLength(3);
      returned.close();
    }
  });

  test('begins with a reset when the last event is not known', async () => {
    for (const id of ['42', 'x'.repeat(100_000), '00000000-0000-4000-8000-000000000000/7:9:8']) {
      const reader = await connected({ 'last-event-id': id });
      const [, first = ''] = await reader.until((block) => field(block, 'event') !== undefined);
      expect([field(first, 'event'), field(first, 'data')]).toEqual(['reset', '{}']);
      reader.close();
    }
  });
});

describe('the client', () => {
  test('goes on by itself after the server was restarted, and misses nothing', async () => {
    const ending = new AbortController();
    const events = server.client.events({ signal: ending.signal });
    const seen: ServerEvent[] = [];
    const until = async (fits: (event: ServerEvent) => boolean) => {
      for (;;) {
        const { value, done } = await events.next();
        if (done) throw new Error('the events have ended');
        seen.push(value);
        if (fits(value)) return;
      }
    };
    const told = (knitId: string, tag: string) => (event: ServerEvent) =>
      event.event === 'data' && event.data.knitId === knitId && event.data.tags.includes(tag);
    const beginning = events.next(); // the request is sent by the first `next`
    const first = await server.push(tree, 'c1:first');
    await beginning;
    await until(told(first, 'c1:first'));
    await server.end();
    await server.up();
    const second = await server.push(tree, 'c1:second');
    await until(told(second, 'c1:second'));
    await until((event) => event.event === 'run' && event.data.status === 'done');
    expect(seen.map(({ event }) => event)).not.toContain('reset');
    const runs = seen.flatMap((each) => (each.event === 'run' ? each.data.status : []));
    expect(runs.slice(-3)).toEqual(['running', 'completing', 'done']);
    ending.abort();
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });

  test('is told to read everything again after the database has crashed', async () => {
    const events = server.client.events();
    const beginning = events.next();
    await server.push(tree, 'c2:a');
    await beginning;
    const pidFile = join(server.dataDirectory, 'postgresql', 'data', 'postmaster.pid');
    const [pid] = (await readFile(pidFile, 'utf8')).split('\n');
    process.kill(Number(pid), 'SIGQUIT'); // an immediate shutdown: recovery comes with the next start
    for await (const { event } of events) if (event === 'reset') break;
    const knitId = await server.push(tree, 'c2:b');
    for await (const { event, data } of server.client.events({ lastEventId: 'none' })) {
      if (event === 'reset') break;
      expect(data).not.toHaveProperty('knitId', knitId);
    }
  });

  test('ends when nobody reads on, and when there is no server at all', async () => {
    const client = createClient({ apiRoot: server.client.apiRoot });
    for await (const { event } of client.events({ lastEventId: 'none' })) {
      expect(event).toBe('reset');
      break;
    }
    client.close();
    const nowhere = createClient({ apiRoot: 'http://127.0.0.1:1/api' });
    await expect(nowhere.events().next()).rejects.toMatchObject({ name: 'Unavailable' });
  });
});

test('a server that stops ends the events of its readers', async () => {
  await using own = await KnitServer.start();
  const { hostname, port } = new URL(own.client.apiRoot);
  const sent = request({ hostname, port, path: '/api/events' });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.resume();
  const [, code] = await Promise.all([once(answer, 'end'), own.end('SIGTERM')]);
  expect(code).toBe(0);
});
