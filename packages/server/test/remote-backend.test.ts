import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packTree } from '@knitfab/archive';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TwoProcesses } from './two-processes.ts';
import { entryNames, gzippedTree, md5 } from './wire.ts';

let both: TwoProcesses;
let tree: string;
const plainBody = { 'content-type': 'application/x-tar' };
const nobody = '00000000-0000-4000-8000-000000000000';

beforeAll(async () => {
  both = await TwoProcesses.start();
  tree = join(both.directory, 'tree');
  await mkdir(tree);
  await writeFile(join(tree, 'file'), 'one line\n');
});
afterAll(() => both[Symbol.asyncDispose]());

/** Nothing is left of what was refused: neither Data nor Runs, and no volumes but those of Data. */
async function expectNothingLeft(dataBefore: number): Promise<void> {
  await expect.poll(async () => (await both.knitd.get('/api/data/')).json.length).toBe(dataBefore);
  expect(await running()).toEqual([]);
}

const running = () =>
  both.store.db.selectFrom('run').select('run_id').where('status', '=', 'running').execute();

const dataCount = async (): Promise<number> => (await both.knitd.get('/api/data/')).json.length;

/** An upload of which the test sends the pieces itself. */
function openUpload() {
  const { hostname, port } = new URL(both.knitd.root);
  const sent = request({
    hostname,
    port,
    path: '/api/data/',
    method: 'POST',
    headers: { 'content-type': 'application/tar+gzip', 'transfer-encoding': 'chunked' },
  });
  sent.on('error', () => {});
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  answered.catch(() => {});
  return { sent, answered };
}

async function openDownload(knitId: string, headers = {}): Promise<IncomingMessage> {
  const { hostname, port } = new URL(both.knitd.root);
  const sent = request({ hostname, port, path: `/api/data/${knitId}`, headers });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  return answer;
}

describe('a Data', () => {
  test('passes through knitd to the volume and back, with its checksum both ways', async () => {
    const { status, json } = await both.knitd.upload(await gzippedTree(tree));
    expect(status).toBe(200);
    expect(json.upstream.run).toMatchObject({ status: 'done', plan: { name: 'knit#uploaded' } });
    const answer = await both.knitd.get(`/api/data/${json.knitId}`);
    expect(answer.headers['content-type']).toBe('application/tar+gzip');
    expect(answer.trailers['x-checksum-md5']).toBe(md5(answer.bytes));
    expect(entryNames(answer.bytes)).toContain('file');
  });

  test('passes through as a plain archive for whoever asks for that', async () => {
    const tar = Buffer.concat(await packTree(tree).toArray());
    const { status, json } = await both.knitd.send('POST', '/api/data/', { body: tar, headers: plainBody });
    expect(status).toBe(200);
    const answer = await both.knitd.send('GET', `/api/data/${json.knitId}`, {
      headers: { accept: 'application/x-tar' },
    });
    expect(answer.headers['content-type']).toBe('application/x-tar');
    expect(answer.bytes.includes('one line\n')).toBe(true);
  });

  test('whose checksum is another is refused, as without knitd in between, and nothing is left of it', async () => {
    const before = await dataCount();
    const answer = await both.knitd.upload(await gzippedTree(tree), md5(Buffer.from('another')));
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({
      reason: expect.stringContaining('damaged on its way'),
      advice: 'Send it again.',
    });
    await expectNothingLeft(before);
  });

  test('that is no archive is refused before its end', async () => {
    const before = await dataCount();
    const { sent, answered } = openUpload();
    sent.write(randomBytes(1024));
    const [answer] = await answered;
    expect(answer.statusCode).toBe(400);
    answer.resume();
    sent.destroy();
    await expectNothingLeft(before);
  });

  test('whose sender goes away in the middle leaves nothing', async () => {
    const before = await dataCount();
    const { sent } = openUpload();
    sent.write((await gzippedTree(tree)).subarray(0, 40));
    await expect.poll(async () => (await running()).length).toBe(1);
    sent.destroy();
    await expect.poll(async () => (await running()).length).toBe(0);
    await expectNothingLeft(before);
  });

  test('that is not there is told by the same answer as without knitd in between', async () => {
    const [there, here] = [
      await both.backend.get(`/api/backend/data/${nobody}`),
      await both.knitd.get(`/api/data/${nobody}`),
    ];
    expect(here.status).toBe(404);
    expect(here.json).toEqual(there.json);
  });
});

describe('whoever takes a download slowly', () => {
  test('slows knitd-backend down, so that nothing piles up', async () => {
    const large = join(both.directory, 'large');
    await mkdir(large);
    const size = 48 * 1024 * 1024;
    await writeFile(join(large, 'noise'), randomBytes(size));
    const sockets: Socket[] = [];
    both.backendServer.on('connection', (socket: Socket) => sockets.push(socket));
    const body = Buffer.concat(await packTree(large).toArray());
    const { json } = await both.knitd.send('POST', '/api/data/', { body, headers: plainBody });
    sockets.length = 0;
    const answer = await openDownload(json.knitId, { accept: 'application/x-tar' });
    const sent = () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
    let seen = -1;
    // Nobody reads: after a while nothing moves any more.
    while (sent() !== seen || seen === 0) {
      seen = sent();
      await sleep(300);
    }
    expect(seen).toBeLessThan(size / 2);
    let bytes = 0;
    for await (const chunk of answer) bytes += (chunk as Buffer).length;
    expect(bytes).toBeGreaterThan(size);
    expect(answer.complete).toBe(true);
  });
});

describe('while knitd-backend is away', () => {
  afterEach(() => both.startBackend());

  test('whatever needs it answers 503 and says so, and the rest goes on', async () => {
    const { json } = await both.knitd.upload(await gzippedTree(tree));
    await both.killBackend();
    const answers = [
      await both.knitd.upload(await gzippedTree(tree)),
      await both.knitd.get(`/api/data/${json.knitId}`),
      await both.knitd.get('/api/doctor'),
      await both.knitd.get(`/api/runs/${json.upstream.run.runId}/log`),
    ];
    for (const { status, json } of answers) {
      expect(status).toBe(503);
      expect(json.reason).toContain("knitd-backend can't be reached");
      expect(json.advice).toContain('Deployment knitd-backend');
    }
    expect((await both.knitd.get('/api/data/')).status).toBe(200);
  });

  test('an upload that it took with it is answered with 503 while the sender still sends', async () => {
    const { sent, answered } = openUpload();
    sent.write((await gzippedTree(tree)).subarray(0, 40));
    await expect.poll(running).toHaveLength(1);
    await both.killBackend();
    const [answer] = await answered;
    expect(answer.statusCode).toBe(503);
    const body = JSON.parse(Buffer.concat(await answer.toArray()).toString());
    expect(body.reason).toContain('has ended in the middle');
    sent.destroy();
  });

  test('a download that it took with it is broken off, not ended as if it were whole', async () => {
    const noisy = join(both.directory, 'noisy');
    await mkdir(noisy, { recursive: true });
    await writeFile(join(noisy, 'noise'), randomBytes(32 * 1024 * 1024));
    const body = Buffer.concat(await packTree(noisy).toArray());
    const { json } = await both.knitd.send('POST', '/api/data/', { body, headers: plainBody });
    const answer = await openDownload(json.knitId, { accept: 'application/x-tar' });
    expect(answer.statusCode).toBe(200);
    await both.killBackend();
    await expect(answer.toArray()).rejects.toThrow();
    expect(answer.complete).toBe(false);
  });
});
