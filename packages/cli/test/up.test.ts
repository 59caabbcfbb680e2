import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
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
    // Whose it is, and what to do.
    expect(taken.stderr).toContain(`a knit up with process id ${running.server.pid}`);
    expect(taken.stderr).toContain(`Use that one, at http://127.0.0.1:${port}/api`);
    const none = await running.knit('up', '--port', 'http');
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('not a port') });
  });

  it('says that the port is in use by a program that is no Knitfab', async () => {
    const other = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const directory = join(running.home.path, 'other');
    const { code, stderr } = await running.knit('up', '--data-dir', directory, '--port', String(port));
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('in use by another program'),
    });
    other.close();
  });

  it('says which server commands talk to where it is not this one', async () => {
    const directory = await running.directory('project', { '.knitprofile': 'elsewhere\n' });
    const store = { elsewhere: { apiRoot: 'https://knitfab.example.com/api' } };
    await running.directory('../.knit', { profile: JSON.stringify(store) });
    const args = ['up', '--data-dir', join(running.home.path, 'second'), '--port', '0'];
    const server = running.home.start(args, { cwd: directory });
    const [line] = (await once(createInterface(server.stderr), 'line')) as string[];
    expect(line).toMatch(
      /^Commands here talk to https:\/\/knitfab\.example\.com\/api \(profile elsewhere\), not to this server\. Talk to this one with --profile local:\d+\.$/,
    );
    server.kill('SIGINT');
    await once(server, 'exit');
  });

  it('ends without a complaint when Ctrl-C comes while it starts for the first time, and starts the next time', async () => {
    const args = ['up', '--data-dir', join(running.home.path, 'interrupted'), '--port', '0'];
    for (const delay of [200, 500, 700]) {
      const server = running.home.start(args);
      const said = text(server.stderr);
      await Promise.race([setTimeout(delay), once(server, 'exit')]);
      server.kill('SIGINT');
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
      expect(await said).toMatch(/^(knit: interrupted\n)?(Commands here .*\n)?(Stopping … .*\n)?$/);
    }
    const server = running.home.start(args);
    await once(createInterface(server.stdout), 'line');
    server.kill('SIGINT');
    await once(server, 'exit');
    expect(server.exitCode).toBe(0);
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
