import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Home } from './knit.ts';
import { RunningKnit } from './running-knit.ts';

let running: RunningKnit;
beforeAll(async () => {
  running = await RunningKnit.start();
});
afterAll(() => running.home.remove());

describe('knit up', () => {
  it('says who holds a data directory that is in use', async () => {
    const data = join(running.home.path, 'data');
    const { code, stderr } = await running.knit('up', '--data-dir', data, '--port', '0');
    expect(code).toBe(1);
    expect(stderr).toContain(String(running.server.pid));
  });

  it('says that the port is in use, and takes no port that is none', async () => {
    const { port } = new URL(await running.apiRoot());
    const taken = await running.knit('up', '--data-dir', join(running.home.path, 'other'), '--port', port);
    expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining(`port ${port}`) });
    const none = await running.knit('up', '--port', 'http');
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('not a port') });
  });

  it('is not found by commands of another user', async () => {
    const other = await Home.create();
    expect(await other.knit(['run', 'find'])).toMatchObject({ code: 1 });
    await other.remove();
  });

  it('stops at Ctrl-C, and is not announced any longer', async () => {
    running.server.kill('SIGINT');
    await once(running.server, 'exit');
    expect(running.server.exitCode).toBe(0);
    expect(await readdir(join(running.home.path, '.knit', 'servers'))).toEqual([]);
    expect((await running.knit('run', 'find')).stderr).toContain('you run none on this machine');
  });
});
