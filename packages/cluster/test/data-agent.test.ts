import { once } from 'node:events';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { packTree } from '@knitfab/archive';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
// The home is not exported: only knitd-backend has one.
import { type AgentCall, AgentHome } from '../../drivers/src/kubernetes/agent-home.ts';
import { type AgentTask, decodeOutcome, outcomeTrailer } from '../../drivers/src/kubernetes/pod-wire.ts';
import { type PodProgram, runPodProgram } from './pod-program.ts';

let directory: string;
let volume: string;
let server: Server;
let home: AgentHome;
const running: PodProgram[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'knit-agent-'));
  volume = join(directory, 'volume');
  await mkdir(volume);
  home = new AgentHome();
  server = createServer((request, response) => home.handle(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const { process } of running.splice(0)) process.kill('SIGKILL');
  server.close().closeAllConnections();
  await rm(directory, { recursive: true });
});

/** Runs an agent for a task, with the volume in place of /data. */
const runAgent = (
  task: AgentTask,
  { token = 'secret', port = (server.address() as AddressInfo).port } = {},
) => {
  const arrived = Promise.withResolvers<AgentCall>();
  const reported = Promise.withResolvers<AgentCall>();
  home.expect('1', { token: 'secret', task, arrive: arrived.resolve, report: reported.resolve });
  const environment = { KNIT_AGENT_URL: `http://127.0.0.1:${port}/agents/1`, KNIT_AGENT_TOKEN: token };
  const agent = runPodProgram('data-agent', environment, volume);
  running.push(agent);
  return { agent, arrived: arrived.promise, reported: reported.promise };
};

/** All of a report, and its outcome. */
const read = async ({ request, response }: AgentCall) => {
  const content = await buffer(request);
  response.end();
  return { content, outcome: request.trailers[outcomeTrailer] };
};

/** What an agent sends of the volume. */
const packed = async () => {
  const { arrived, reported } = runAgent({ kind: 'pack' });
  (await arrived).response.end();
  const { content, outcome } = await read(await reported);
  expect(outcome).toBe('done');
  return content;
};

describe('a Data Agent', () => {
  it('unpacks what it gets, tells that it is done, and ends', async () => {
    const tree = join(directory, 'tree');
    await mkdir(tree);
    await writeFile(join(tree, 'a'), 'content');
    // As a new file system has it.
    await mkdir(join(volume, 'lost+found'));
    const { agent, arrived, reported } = runAgent({ kind: 'unpack' });
    packTree(tree).pipe((await arrived).response);
    expect((await read(await reported)).outcome).toBe('done');
    expect(await agent.ended).toEqual({ code: 0, complaint: '' });
    expect(await readdir(volume)).toEqual(['a']);
    expect(await readFile(join(volume, 'a'), 'utf8')).toBe('content');
  });

  it('tells why an archive is refused, leaves nothing of it, and ends', async () => {
    const tree = join(directory, 'tree');
    await mkdir(tree);
    await symlink('/etc', join(tree, 'out'));
    const { agent, arrived, reported } = runAgent({ kind: 'unpack' });
    packTree(tree).pipe((await arrived).response);
    const { outcome } = await read(await reported);
    expect(() => decodeOutcome(outcome)).toThrow(/symbolic link "out"/);
    expect((await agent.ended).code).toBe(0);
    expect(await readdir(volume)).toEqual([]);
  });

  it('packs the volume', async () => {
    await writeFile(join(volume, 'a'), 'content');
    const { agent, arrived, reported } = runAgent({ kind: 'pack' });
    (await arrived).response.end();
    const { content, outcome } = await read(await reported);
    expect(outcome).toBe('done');
    expect(content).toEqual(await buffer(packTree(volume)));
    expect((await agent.ended).code).toBe(0);
  });

  it.runIf(process.getuid?.() === 0)(
    'packs nothing that the storage has put into the volume by itself',
    async () => {
      const removed = `.nfs${'0'.repeat(22)}1f`;
      await mkdir(join(volume, 'kept'));
      await writeFile(join(volume, 'kept', removed), '');
      await mkdir(join(volume, 'kept', 'lost+found'));
      await writeFile(join(volume, '.nfs1'), '');
      await mkdir(join(volume, `.nfs${'0'.repeat(24)}`));
      const expected = await buffer(packTree(volume));
      await writeFile(join(volume, removed), '');
      await mkdir(join(volume, 'lost+found'), { mode: 0o700 });
      expect(await packed()).toEqual(expected);
    },
  );

  it.runIf(process.getuid?.() === 0)(
    'packs a lost+found that holds something, or is no directory of root',
    async () => {
      const place = join(volume, 'lost+found');
      await mkdir(place);
      await chown(place, 1000, 1000);
      expect(await packed()).toEqual(await buffer(packTree(volume)));
      await chown(place, 0, 0);
      await writeFile(join(place, '#12'), 'found');
      expect(await packed()).toEqual(await buffer(packTree(volume)));
      await rm(place, { recursive: true });
      await writeFile(place, '');
      expect(await packed()).toEqual(await buffer(packTree(volume)));
    },
  );

  it('tells of what can not be read in the middle of it', async () => {
    await writeFile(join(volume, 'a'), Buffer.alloc(3_000_000));
    const name = Buffer.concat([Buffer.from(join(volume, 'z')), Buffer.from([0xff])]);
    await writeFile(name, 'a name that is not UTF-8');
    const { arrived, reported } = runAgent({ kind: 'pack' });
    (await arrived).response.end();
    const { outcome } = await read(await reported);
    expect(() => decodeOutcome(outcome)).toThrow(/not UTF-8/);
  });

  it('waits for a home that is not there yet', async () => {
    const { port } = server.address() as AddressInfo;
    server.close().closeAllConnections();
    await once(server, 'close');
    const { agent, arrived, reported } = runAgent({ kind: 'log', from: 3 }, { port });
    await writeFile(join(volume, 'log'), '0123456789');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(agent.process.exitCode).toBeNull();
    server = createServer((request, response) => home.handle(request, response)).listen(port, '127.0.0.1');
    (await arrived).response.end();
    expect(String((await read(await reported)).content)).toBe('3456789');
  });

  it('ends by itself when home is gone in the middle, or does not know it', async () => {
    const { agent, arrived } = runAgent({ kind: 'unpack' });
    await arrived;
    server.close().closeAllConnections();
    const { code, complaint } = await agent.ended;
    expect(code).toBe(1);
    expect(complaint).not.toBe('');
  });

  it('is not let in without its token', async () => {
    const { agent } = runAgent({ kind: 'unpack' }, { token: 'another' });
    const { code, complaint } = await agent.ended;
    expect(code).toBe(1);
    expect(complaint).toMatch(/can't reach .* it answers 401/);
  });
});
