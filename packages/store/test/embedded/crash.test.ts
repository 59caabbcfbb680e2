import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, watch, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startEmbeddedPostgres as start } from '../../src/embedded/index.ts';
import { readPidFile } from '../../src/embedded/pid-file.ts';
import { killHost, report, spawnHost } from './host-process.ts';
import { isRoot, query, stopServerOf, temporaryHome } from './temporary-home.ts';

/** A database that the tests of this file start one after the other. */
const directory = await temporaryHome(afterAll);
beforeAll(async () => {
  const server = await start({ directory });
  await query(server.connectionString, 'create table kept as select 1 as value');
  await server.stop();
});
afterEach(() => stopServerOf(directory));

const unfinishedIn = async (home: string): Promise<string[]> =>
  (await readdir(home)).filter((name) => name.includes('unfinished'));

test('a server whose host was killed is adopted by the next start', async () => {
  const host = spawnHost({ directory });
  const first = await report(host);
  await killHost(host);

  const second = await start({ directory });
  expect(second).toMatchObject({ adopted: true, pid: first.pid, connectionString: first.connectionString });
  await second.stop();
  expect(await second.exited).toContain('database system is shut down');
});

test('a server that is killed is told at once, and its commits are there after the next start', async () => {
  const server = await start({ directory });
  await query(server.connectionString, 'insert into kept values (2)');
  process.kill(server.pid, 'SIGKILL');
  await server.exited;

  const next = await start({ directory });
  expect(next.adopted).toBe(false);
  expect(await query(next.connectionString, 'select max(value) from kept')).toEqual([{ max: 2 }]);
});

test('an adopted server that is killed is told, too', async () => {
  await start({ directory });
  const adopted = await start({ directory });
  expect(adopted.adopted).toBe(true);
  process.kill(adopted.pid, 'SIGKILL');
  await adopted.exited;
});

test('a server that was stopped immediately recovers at the next start', async () => {
  const server = await start({ directory });
  await query(server.connectionString, 'insert into kept values (3)');
  await server.stop('immediate');
  const next = await start({ directory });
  expect(await query(next.connectionString, 'select max(value) from kept')).toEqual([{ max: 3 }]);
});

test('a start while the server waits for its clients before it goes down starts it again', async () => {
  const server = await start({ directory });
  const client = new Client({ connectionString: server.connectionString });
  client.on('error', () => {});
  await client.connect();
  process.kill(server.pid, 'SIGTERM');
  const isStopping = async () => (await readPidFile(join(directory, 'data')))?.status === 'stopping';
  while (!(await isStopping())) await sleep(1);

  const next = await start({ directory });
  expect(next.adopted).toBe(false);
  expect(await query(next.connectionString, 'select min(value) from kept')).toEqual([{ min: 1 }]);
});

test("a dead server's number that another process has got by now is not taken for the server", async () => {
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

  expect(await start({ directory })).toMatchObject({ adopted: false });
  expect(other.exitCode).toBeNull();
});

test('a start waits while a process of the server that was killed is left', async () => {
  const server = await start({ directory });
  process.kill(server.pid, 'SIGKILL');
  await server.exited;
  // a process that holds what the server's processes hold
  const left = spawn('flock', [join(directory, 'server.lock'), 'sh', '-c', 'echo held; read end'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(left.stdout, 'data');

  let released = false;
  const next = start({ directory }).then((started) => ({ ...started, released }));
  await Promise.race([next, sleep(1500)]);
  released = true;
  left.stdin.end();
  expect(await next).toMatchObject({ adopted: false, released: true });
});

test('starts at the same moment after a kill end in one server that all of them use', async () => {
  const server = await start({ directory });
  process.kill(server.pid, 'SIGKILL');
  const hosts = Array.from({ length: 3 }, () => spawnHost({ directory }));
  const reports = await Promise.all(hosts.map(report));
  await Promise.all(hosts.map(killHost));
  expect(reports.map(({ message }) => message ?? '')).toEqual(Array(3).fill(''));
  expect(new Set(reports.map(({ pid }) => pid)).size).toBe(1);
  // a server whose file another one has removed would shut down within a minute
  expect((await readPidFile(join(directory, 'data')))?.pid).toBe(reports[0]?.pid);
});

// Five databases are made at once, of which one is kept: on a machine that is busy with other things that takes its time.
test('first starts at the same moment end in one server that all of them use', {
  timeout: 180_000,
}, async () => {
  const home = await temporaryHome(onTestFinished);
  const hosts = Array.from({ length: 3 }, () => spawnHost({ directory: home }));
  const own = [start({ directory: home }), start({ directory: home })];
  const reports = [...(await Promise.all(hosts.map(report))), ...(await Promise.all(own))];
  await Promise.all(hosts.map(killHost));

  expect(reports.map((each) => ('message' in each ? each.message : ''))).toEqual(Array(5).fill(''));
  expect(new Set(reports.map(({ pid }) => pid)).size).toBe(1);
  expect(reports.filter(({ adopted }) => adopted === false)).toHaveLength(1);
  expect(await unfinishedIn(home)).toEqual([]);
});

test('a database whose making was killed is made anew', async () => {
  const home = await temporaryHome(onTestFinished);
  await mkdir(home);
  const changes = watch(home);
  const host = spawnHost({ directory: home });
  for await (const { filename } of changes) {
    if (!filename?.includes('unfinished')) continue;
    // initdb writes this file first, and the rest of the cluster after it
    while (!(await stat(join(home, filename, 'PG_VERSION')).catch(() => undefined)));
    break;
  }
  await killHost(host);
  expect(await readdir(home)).not.toContain('data');

  const server = await start({ directory: home });
  expect(await query(server.connectionString, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await unfinishedIn(home)).toEqual([]);
});
