import { mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { query, start, temporaryHome } from './temporary-home.ts';

const socketDirectoryOf = (connectionString: string): string =>
  new URL(connectionString).searchParams.get('host') ?? '';

test('the first start makes a database whose commits are durable and that only its socket reaches', async () => {
  const server = await start({ directory: await temporaryHome() });
  const names = ['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'server_encoding'];
  const shown = await query(
    server.connectionString,
    `select name, setting from pg_settings where name = any('{${names},listen_addresses}') order by name`,
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
  const directory = await temporaryHome();
  const first = await start({ directory });
  await query(first.connectionString, 'create table kept as select 1 as value');
  await first.stop();
  expect(await first.exited).toContain('database system is shut down');

  const second = await start({ directory });
  expect(second.adopted).toBe(false);
  expect(await query(second.connectionString, 'select value from kept')).toEqual([{ value: 1 }]);
});

test('stopping breaks off the connections of clients that would go on', async () => {
  const server = await start({ directory: await temporaryHome() });
  const client = new Client({ connectionString: server.connectionString });
  const broken = new Promise((resolve) => client.on('error', resolve));
  await client.connect();
  await client.query('begin');
  await server.stop();
  await broken;
});

test('a path with spaces, quotes, commas and letters of other languages is a place like any other', async () => {
  const server = await start({ directory: await temporaryHome(`a, b'"%20 データ`) });
  expect(await query(server.connectionString, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('settings may be given for one start', async () => {
  const server = await start({ directory: await temporaryHome(), settings: { fsync: 'off' } });
  expect(await query(server.connectionString, 'show fsync')).toEqual([{ fsync: 'off' }]);
});

test('a large log is moved aside at the next start', async () => {
  const directory = await temporaryHome();
  await mkdir(directory);
  await writeFile(join(directory, 'postgresql.log'), Buffer.alloc(6 * 1024 * 1024, 'x'));
  await start({ directory });
  expect((await stat(join(directory, 'postgresql.log'))).size).toBeLessThan(1024 * 1024);
  expect((await stat(join(directory, 'postgresql.log.1'))).size).toBe(6 * 1024 * 1024);
});

test('below a path too deep for a socket, the socket is elsewhere and gone after the stop', async () => {
  const directory = await temporaryHome('d'.repeat(120));
  const server = await start({ directory });
  const socketDirectory = socketDirectoryOf(server.connectionString);
  expect(await readdir(socketDirectory)).toContain('.s.PGSQL.5432');
  expect(socketDirectory.startsWith(directory)).toBe(false);
  expect((await stat(socketDirectory)).mode & 0o777).toBe(0o700);

  await server.stop();
  await expect(stat(socketDirectory)).rejects.toThrow('ENOENT');
});

test('a link that somebody has put in place of the socket directory is not followed', async () => {
  const directory = await temporaryHome('d'.repeat(120));
  const trap = join(dirname(directory), 'trap');
  await mkdir(directory);
  await symlink(directory, trap);
  await writeFile(join(directory, 'socket-directory'), trap);
  const server = await start({ directory });
  expect(socketDirectoryOf(server.connectionString)).not.toBe(trap);
  await server.stop();
});

test('a database of another major version is refused, and told', async () => {
  const directory = await temporaryHome();
  await (await start({ directory })).stop();
  await writeFile(join(directory, 'data/PG_VERSION'), '17\n');
  await expect(start({ directory })).rejects.toMatchObject({
    name: 'Conflict',
    reason: expect.stringMatching(/was made by PostgreSQL 17, and this program brings PostgreSQL 18/),
  });
});

test('a directory that holds something else is left alone', async () => {
  const directory = await temporaryHome();
  await mkdir(join(directory, 'data'), { recursive: true });
  await writeFile(join(directory, 'data/thesis.txt'), 'mine');
  await expect(start({ directory })).rejects.toMatchObject({ name: 'Conflict' });
  expect(await readdir(join(directory, 'data'))).toEqual(['thesis.txt']);
});

test("a server that can't start is told with PostgreSQL's own words", async () => {
  const directory = await temporaryHome();
  await expect(start({ directory, settings: { shared_buffers: 'plenty' } })).rejects.toMatchObject({
    name: 'Unavailable',
    reason: expect.stringMatching(/invalid value for parameter "shared_buffers": "plenty"/),
  });
});

test("a directory that can't be made is told", async () => {
  const directory = await temporaryHome();
  await writeFile(directory, 'a file');
  await expect(start({ directory: join(directory, 'db') })).rejects.toMatchObject({ name: 'Unavailable' });
});
