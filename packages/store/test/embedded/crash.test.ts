import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readPidFile } from '../../src/embedded/pid-file.ts';
import { killHost, report, spawnHost } from './host-process.ts';
import { isRoot, query, start, temporaryHome } from './temporary-home.ts';

test('a server whose host was killed is adopted by the next start', async () => {
  const directory = await temporaryHome();
  const host = spawnHost({ directory });
  const first = await report(host);
  await killHost(host);

  const second = await start({ directory });
  expect(second).toMatchObject({ adopted: true, pid: first.pid, connectionString: first.connectionString });
  await second.stop();
  expect(await second.exited).toContain('database system is shut down');
});

test('starts at the same moment end in one server that all of them use', async () => {
  const directory = await temporaryHome();
  const hosts = Array.from({ length: 4 }, () => spawnHost({ directory }));
  const reports = await Promise.all(hosts.map(report));
  await Promise.all(hosts.map(killHost));
  expect(reports.map(({ error, message }) => error && message)).toEqual(Array(4).fill(undefined));
  expect(new Set(reports.map(({ pid }) => pid)).size).toBe(1);
  expect(reports.filter(({ adopted }) => adopted === false)).toHaveLength(1);
  expect((await readdir(directory)).filter((name) => name.includes('unfinished'))).toEqual([]);
});

test('starts at the same moment within one process share the server too', async () => {
  const directory = await temporaryHome();
  const servers = await Promise.all([start({ directory }), start({ directory }), start({ directory })]);
  expect(new Set(servers.map(({ pid }) => pid)).size).toBe(1);
});

test('a database whose making was killed is made anew', async () => {
  const directory = await temporaryHome();
  await mkdir(directory);
  const changes = watch(directory);
  const host = spawnHost({ directory });
  for await (const { filename } of changes) {
    if (!filename?.includes('unfinished')) continue;
    // initdb writes this file early, and the rest of the cluster after it
    while (!(await stat(join(directory, filename, 'PG_VERSION')).catch(() => undefined)));
    break;
  }
  await killHost(host);
  expect(await readdir(directory)).not.toContain('data');

  const server = await start({ directory });
  expect(await query(server.connectionString, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect((await readdir(directory)).filter((name) => name.includes('unfinished'))).toEqual([]);
});

test('a server that is killed is told at once, and its commits are there after the next start', async () => {
  const directory = await temporaryHome();
  const server = await start({ directory });
  await query(server.connectionString, 'create table kept as select 1 as value');
  process.kill(server.pid, 'SIGKILL');
  await server.exited;

  const next = await start({ directory });
  expect(next.adopted).toBe(false);
  expect(await query(next.connectionString, 'select value from kept')).toEqual([{ value: 1 }]);
});

test('a server stopped at once recovers at the next start', async () => {
  const directory = await temporaryHome();
  const server = await start({ directory });
  await query(server.connectionString, 'create table kept as select 1 as value');
  await server.stop('immediate');
  const next = await start({ directory });
  expect(await query(next.connectionString, 'select value from kept')).toEqual([{ value: 1 }]);
});

test('a start while the server is going down waits, and starts it again', async () => {
  const directory = await temporaryHome();
  const server = await start({ directory });
  const stopped = server.stop();
  const next = await start({ directory });
  await stopped;
  expect(await query(next.connectionString, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test("a dead server's number that another process has got by now is not taken for the server", async () => {
  const directory = await temporaryHome();
  const server = await start({ directory });
  process.kill(server.pid, 'SIGKILL');
  await server.exited;

  // PostgreSQL itself takes any process of its own user for a live server
  const owner = await stat(join(directory, 'data'));
  const other = spawn('sleep', ['60'], isRoot ? { uid: owner.uid, gid: owner.gid } : {});
  onTestFinished(() => void other.kill());
  await once(other, 'spawn');
  for (const file of [join(directory, 'data/postmaster.pid'), join(directory, 'socket/.s.PGSQL.5432.lock')]) {
    await writeFile(file, (await readFile(file, 'utf8')).replace(/^\d+/, String(other.pid)));
  }
  expect((await readPidFile(join(directory, 'data')))?.pid).toBe(other.pid);

  const next = await start({ directory });
  expect(next).toMatchObject({ adopted: false });
  expect(other.exitCode).toBeNull();
});
