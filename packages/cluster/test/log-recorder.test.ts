import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PodProgram, runPodProgram } from './pod-program.ts';

let directory: string;
let pipe: string;
let port: number;
const running: PodProgram[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'knit-recorder-'));
  pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await mkdir(join(directory, 'volume'));
  port = await freePort();
});

afterEach(async () => {
  for (const { process } of running.splice(0)) process.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

const record = (): PodProgram => {
  const recorder = runPodProgram(
    'log-recorder',
    { KNIT_LOG_TOKEN: 'secret' },
    { pipe, directory: join(directory, 'volume'), port },
  );
  running.push(recorder);
  return recorder;
};

/** Runs a script as main is run: its output goes to the pipe, which waits for the recorder. */
const main = (script: string) => {
  const child = spawn('sh', ['-c', `exec sh -c "$0" >${pipe} 2>&1`, script], { stdio: 'ignore' });
  return { child, ended: once(child, 'close') as Promise<[number | null, string | null]> };
};

const recorded = () => readFile(join(directory, 'volume/log'), 'utf8');

describe('the log recorder', () => {
  it('keeps all that a main writes that ends at once', async () => {
    const recorder = record();
    expect(await main('echo out; echo err >&2; exit 3').ended).toEqual([3, null]);
    expect(await recorder.ended).toEqual({ code: 0, complaint: '' });
    expect(await recorded()).toBe('out\nerr\n');
  });

  it('keeps what a main writes that was there first', async () => {
    const { ended } = main('echo early');
    const recorder = record();
    await ended;
    expect((await recorder.ended).code).toBe(0);
    expect(await recorded()).toBe('early\n');
  });

  it('ends with a main that never writes, and leaves an empty log', async () => {
    const recorder = record();
    await main('exit 0').ended;
    expect(await recorder.ended).toEqual({ code: 0, complaint: '' });
    expect(await recorded()).toBe('');
  });

  it('keeps what a main has written that is killed', async () => {
    const recorder = record();
    const { child, ended } = main('printf "last words"; kill -9 $$');
    await ended;
    expect(child.signalCode).toBe('SIGKILL');
    expect((await recorder.ended).code).toBe(0);
    expect(await recorded()).toBe('last words');
  });

  it('goes on as long as a process that main has left behind has the pipe', async () => {
    const recorder = record();
    const flag = join(directory, 'flag');
    await main(`(while [ ! -e ${flag} ]; do sleep 0.05; done; echo late) & echo soon`).ended;
    await follow({ until: 'soon\n' });
    expect(recorder.process.exitCode).toBeNull();
    await writeFile(flag, '');
    expect((await recorder.ended).code).toBe(0);
    expect(await recorded()).toBe('soon\nlate\n');
  });

  it('goes on after the signal that its Pod is deleted while main has something to say', async () => {
    const recorder = record();
    const flag = join(directory, 'flag');
    const { ended } = main(`echo begun; while [ ! -e ${flag} ]; do sleep 0.05; done; echo done`);
    await follow({ until: 'begun\n' });
    recorder.process.kill('SIGTERM');
    await sleep(100);
    await writeFile(flag, '');
    await ended;
    expect((await recorder.ended).code).toBe(0);
    expect(await recorded()).toBe('begun\ndone\n');
  });

  it('ends by that signal when main has never begun', async () => {
    const recorder = record();
    await answer('/log', { patience: 100 });
    recorder.process.kill('SIGTERM');
    expect(await recorder.ended).toEqual({ code: 0, complaint: '' });
  });

  it('ends when it is told that main has ended, which had never opened the pipe', async () => {
    const recorder = record();
    await answer('/log', { patience: 100 });
    expect((await answer('/main-ended', { method: 'POST', token: 'other' })).statusCode).toBe(401);
    expect((await answer('/main-ended')).statusCode).toBe(404);
    expect(recorder.process.exitCode).toBeNull();
    expect((await answer('/main-ended', { method: 'POST' })).statusCode).toBe(204);
    expect(await recorder.ended).toEqual({ code: 0, complaint: '' });
    expect(await recorded()).toBe('');
  });

  it('keeps all that is still in the pipe when it is told so', async () => {
    const recorder = record();
    const held = openSync(pipe, 'w');
    expect((await answer('/main-ended', { method: 'POST', patience: 100 })).statusCode).toBe(204);
    writeSync(held, 'late');
    closeSync(held);
    expect(await recorder.ended).toEqual({ code: 0, complaint: '' });
    expect(await recorded()).toBe('late');
  });

  it('waits for the pipe to be made, or for that signal', async () => {
    await rm(pipe);
    const recorder = record();
    const other = runPodProgram('log-recorder', {}, { pipe: join(directory, 'never'), directory, port: 0 });
    running.push(other);
    await sleep(1500); // both have begun to wait
    execFileSync('mkfifo', [pipe]);
    await main('echo at last').ended;
    expect(await recorder.ended).toEqual({ code: 0, complaint: '' });
    expect(await recorded()).toBe('at last\n');
    other.process.kill('SIGTERM');
    expect(await other.ended).toEqual({ code: 0, complaint: '' });
  });

  it('lets the log be followed from its beginning to its end', async () => {
    const recorder = record();
    const flag = join(directory, 'flag');
    const { ended } = main(`echo 1; while [ ! -e ${flag} ]; do sleep 0.05; done; echo 2`);
    await follow({ until: '1\n' });
    expect(await text(await answer('/log?follow=false'))).toBe('1\n');
    expect(await text(await answer('/log?from=1'))).toBe('\n');
    const whole = text(await answer('/log?follow=true'));
    await writeFile(flag, '');
    await ended;
    expect(await whole).toBe('1\n2\n');
    await recorder.ended;
  });

  it('shows the log to nobody without the token', async () => {
    record();
    expect((await answer('/log', { patience: 100 })).statusCode).toBe(200);
    for (const token of ['', 'secret2', 'Secret'])
      expect((await answer('/log', { token })).statusCode).toBe(401);
    expect((await answer('/other')).statusCode).toBe(404);
    expect((await answer('/log?from=-1')).statusCode).toBe(400);
  });

  it('never holds main up when the volume is full, and says what was lost', async () => {
    // The file of a full disk.
    await symlink('/dev/full', join(directory, 'volume/log'));
    const recorder = record();
    expect(await main('head -c 1000000 /dev/zero').ended).toEqual([0, null]);
    const { code, complaint } = await recorder.ended;
    expect(code).toBe(1);
    expect(complaint).toMatch(/can't be written.*ENOSPC.*first 0 bytes are kept, 1000000 bytes/);
  });

  it('takes gigabytes, followed by two readers, and needs no more memory for them', async () => {
    const recorder = record();
    const bytes = 1024 ** 3;
    await answer('/log', { patience: 100 });
    const before = await recorder.peakMebibytes();
    const readers = [
      digestOf(await answer('/log?follow=true'), bytes),
      digestOf(await answer('/log?follow=true'), bytes),
    ];
    // A writer stays until all is read and the memory has been looked at.
    const held = openSync(pipe, 'w');
    await main(`yes "a line of a log that goes on and on" | head -c ${bytes}`).ended;
    const read = await Promise.all(readers);
    const after = await recorder.peakMebibytes();
    closeSync(held);
    expect((await recorder.ended).code).toBe(0);
    expect((await stat(join(directory, 'volume/log'))).size).toBe(bytes);
    const written = await digestOf(createReadStream(join(directory, 'volume/log')), bytes);
    expect(read).toEqual([written, written]);
    expect(after - before).toBeLessThan(16);
  }, 120_000);
});

/** The digest of a stream's first bytes. */
async function digestOf(stream: AsyncIterable<Buffer>, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  let left = bytes;
  for await (const chunk of stream) {
    hash.update(chunk.subarray(0, left));
    left -= chunk.length;
    if (left <= 0) break;
  }
  return hash.digest('hex');
}

/** Follows the log until it is what is expected so far. */
async function follow({ until }: { until: string }): Promise<void> {
  let seen = '';
  for await (const chunk of await answer('/log?follow=true', { patience: 100 })) {
    seen += chunk;
    if (seen === until) return;
  }
  throw new Error(`the log ended with ${seen}`);
}

/** @param patience how often to try until somebody listens */
async function answer(
  path: string,
  {
    method = 'GET',
    token = 'secret',
    patience = 1,
  }: { method?: string; token?: string; patience?: number } = {},
): Promise<IncomingMessage> {
  for (let left = patience; ; left--) {
    try {
      return await new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}` };
        request({ host: '127.0.0.1', port, method, path, headers, agent: false }, resolve)
          .once('error', reject)
          .end();
      });
    } catch (error) {
      if (left <= 1) throw error;
      await sleep(50);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
