import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { startEmbeddedPostgres as start } from '../../src/embedded/index.ts';
import { query, socketDirectoryOf, stopServerOf, temporaryHome } from './temporary-home.ts';

/** A database that the tests of this file start one after the other. */
const directory = await temporaryHome(afterAll);
afterEach(() => stopServerOf(directory));

test('the first start makes a database whose commits are durable and that only its socket reaches', async () => {
  const server = await start({ directory });
  const names = ['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'server_encoding'];
  const shown = await query(
    server.connectionString,
    `select name, setting from pg_settings where name = any('{${names},listen_addresses}')`,
  );
  expect(Object.fromEntries(shown.map(({ name, setting }) => [name, setting]))).toEqual({
    data_checksums: 'on',
    fsync: 'on',
    full_page_writes: 'on',
    listen_addresses: '',
    server_encoding: 'UTF8',
    synchronous_commit: 'on',
  });
  expect(server.adopted).toBe(false);
  expect((await stat(socketDirectoryOf(server.connectionString))).mode & 0o777).toBe(0o700);
});

test('a stopped database goes on where it was', async () => {
  const first = await start({ directory });
  await query(first.connectionString, 'create table kept as select 1 as value');
  await first.stop();
  expect(await first.exited).toContain('database system is shut down');

  const second = await start({ directory });
  expect(second.adopted).toBe(false);
  expect(await query(second.connectionString, 'select value from kept')).toEqual([{ value: 1 }]);
});

test('stopping breaks off the connections of clients that would go on', async () => {
  const server = await start({ directory });
  const client = new Client({ connectionString: server.connectionString });
  const broken = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  await client.query('begin');
  await server.stop();
  await broken;
});

test('settings may be given for one start', async () => {
  const server = await start({ directory, settings: { fsync: 'off' } });
  expect(await query(server.connectionString, 'show fsync')).toEqual([{ fsync: 'off' }]);
});

test('a large log is moved aside at the next start', async () => {
  const log = join(directory, 'postgresql.log');
  await writeFile(log, Buffer.alloc(6 * 1024 * 1024, 'x'));
  await start({ directory });
  expect((await stat(log)).size).toBeLessThan(1024 * 1024);
  expect((await stat(`${log}.1`)).size).toBe(6 * 1024 * 1024);
});

test("a server that can't start is told with PostgreSQL's own words", async () => {
  await expect(start({ directory, settings: { shared_buffers: 'plenty' } })).rejects.toMatchObject({
    name: 'Unavailable',
    reason: expect.stringMatching(/invalid value for parameter "shared_buffers": "plenty"/),
  });
});

test('a database of another major version is refused, and told', async () => {
  const file = join(directory, 'data/PG_VERSION');
  const version = await readFile(file, 'utf8');
  onTestFinished(() => writeFile(file, version));
  await writeFile(file, '17\n');
  await expect(start({ directory })).rejects.toMatchObject({
    name: 'Conflict',
    reason: expect.stringMatching(/was made by PostgreSQL 17, and this program brings PostgreSQL 18/),
  });
});

test('a path with spaces, quotes, commas and letters of other languages is a place like any other', async () => {
  const odd = await temporaryHome(onTestFinished, `a, b'"%20 データ`);
  const server = await start({ directory: odd });
  expect(await query(server.connectionString, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a directory that holds something else is left alone', async () => {
  const home = await temporaryHome(onTestFinished);
  await mkdir(join(home, 'data'), { recursive: true });
  await writeFile(join(home, 'data/thesis.txt'), 'mine');
  await expect(start({ directory: home })).rejects.toMatchObject({ name: 'Conflict' });
  expect(await readdir(join(home, 'data'))).toEqual(['thesis.txt']);
});

test("a directory that can't be made is told", async () => {
  const file = await temporaryHome(onTestFinished);
  await writeFile(file, 'a file');
  await expect(start({ directory: join(file, 'db') })).rejects.toMatchObject({ name: 'Unavailable' });
});

describe('below a path too deep for a socket', async () => {
  const deep = await temporaryHome(afterAll, 'd'.repeat(120));

  test('the socket is elsewhere, and gone after the stop', async () => {
    const server = await start({ directory: deep });
    const socketDirectory = socketDirectoryOf(server.connectionString);
    expect(await readdir(socketDirectory)).toContain('.s.PGSQL.5432');
    expect(socketDirectory.startsWith(deep)).toBe(false);
    expect((await stat(socketDirectory)).mode & 0o777).toBe(0o700);

    await server.stop();
    await expect(stat(socketDirectory)).rejects.toThrow('ENOENT');
  });

  test('a link that somebody has put in place of the socket directory is not followed', async () => {
    const trap = join(dirname(deep), 'trap');
    await symlink(deep, trap);
    await writeFile(join(deep, 'socket-directory'), trap);
    const server = await start({ directory: deep });
    expect(socketDirectoryOf(server.connectionString)).not.toBe(trap);
    await server.stop();
  });
});
