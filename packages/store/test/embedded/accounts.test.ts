import { execFileSync } from 'node:child_process';
import { chmod, chown, cp, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startEmbeddedPostgres as start } from '../../src/embedded/index.ts';
import { installedSoftware, type Software } from '../../src/embedded/software.ts';
import { killHost, report, spawnHost } from './host-process.ts';
import { isRoot, query, stopServerOf, temporaryHome } from './temporary-home.ts';

const nobody = { uid: 65534, gid: 65534 };
const asNobody = ['setpriv', `--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, '--clear-groups'];
const withoutNamespaces = ['setpriv', '--bounding-set=-sys_admin'];

const ownerOf = async (pid: number | undefined): Promise<number> => (await stat(`/proc/${pid}`)).uid;
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

/** The programs at another place, as npm unpacks them: without links. */
async function unpackedSoftware(directory: string): Promise<Software> {
  const packaged = await installedSoftware();
  await cp(packaged.directory, directory, {
    recursive: true,
    filter: async (path) => !path.endsWith('.a') && !(await lstat(path)).isSymbolicLink(),
  });
  return { ...packaged, directory };
}

describe.runIf(isRoot)('started by root', () => {
  /** A database below a directory that only root can enter. */
  let directory: string;
  beforeAll(async () => {
    const { promise: clear, resolve: whenOver } = Promise.withResolvers<() => Promise<void>>();
    directory = await temporaryHome(whenOver);
    return await clear;
  });
  afterEach(() => stopServerOf(directory));

  test('the server runs as an ordinary user, also where only root can go, and nothing there is opened to others', async () => {
    expect(await modeOf(dirname(directory))).toBe(0o700);
    const server = await start({ directory });
    expect(await ownerOf(server.pid)).not.toBe(0);
    await query(server.connectionString, 'create table kept as select 1 as value');
    await server.stop();
    const next = await start({ directory });
    expect(await query(next.connectionString, 'select value from kept')).toEqual([{ value: 1 }]);
    expect(await modeOf(dirname(directory))).toBe(0o700);
  });

  test('a directory that is itself closed to others stays so', async () => {
    await chmod(directory, 0o700);
    const server = await start({ directory });
    expect(await query(server.connectionString, 'select value from kept')).toEqual([{ value: 1 }]);
    expect(await modeOf(directory)).toBe(0o700);
  });

  test('the programs may lie where only root can go', async () => {
    const software = await unpackedSoftware(join(dirname(directory), 'software'));
    await chmod(software.directory, 0o700);
    const server = await start({ directory, software });
    expect(await query(server.connectionString, 'select value from kept')).toEqual([{ value: 1 }]);
    expect(await ownerOf(server.pid)).not.toBe(0);
    expect(await readdir(join(directory, 'software'))).toEqual([software.version]);
  });

  test('without the right to namespaces, it says which directory is in the way', async () => {
    const host = spawnHost({ directory }, withoutNamespaces);
    expect(await report(host)).toMatchObject({
      error: 'Unavailable',
      message: expect.stringContaining(`can't enter ${dirname(directory)}`),
    });
    await killHost(host);
  });

  test('without the right to namespaces, a directory that all can enter will do', async () => {
    await chmod(directory, 0o755);
    await chmod(dirname(directory), 0o755);
    const host = spawnHost({ directory }, withoutNamespaces);
    expect(await report(host)).toMatchObject({ adopted: false });
    await killHost(host);
  });

  test('the database of an ordinary user is run as that user', async () => {
    execFileSync('chown', ['-R', '1234:1234', join(directory, 'data')]);
    const server = await start({ directory });
    expect(await ownerOf(server.pid)).toBe(1234);
  });

  test('a database that belongs to root is refused', async () => {
    execFileSync('chown', ['-R', '0:0', join(directory, 'data')]);
    await expect(start({ directory })).rejects.toMatchObject({
      name: 'Unavailable',
      reason: expect.stringContaining('belongs to root'),
    });
  });

  test('a full disk is told in the words of the program that met it', async () => {
    const home = await temporaryHome(onTestFinished);
    await mkdir(home);
    const onSmallDisk = ['sh', '-c', `mount -t tmpfs -o size=4m,mode=0755 none "${home}"; exec "$@"`, 'sh'];
    const host = spawnHost({ directory: home }, ['unshare', '--mount', ...onSmallDisk]);
    expect(await report(host)).toMatchObject({
      error: 'Unavailable',
      message: expect.stringContaining('No space left on device'),
    });
    await killHost(host);
  });
});

/** Whether another user can run this checkout. */
function isReachableByAll(): boolean {
  try {
    execFileSync('test', ['-r', import.meta.filename], nobody);
    return true;
  } catch {
    return false;
  }
}

describe.runIf(isRoot && isReachableByAll())('started by an ordinary user', () => {
  let directory: string;
  beforeAll(async () => {
    const { promise: clear, resolve: whenOver } = Promise.withResolvers<() => Promise<void>>();
    directory = await temporaryHome(whenOver);
    await mkdir(directory);
    for (const each of [dirname(directory), directory]) await chown(each, nobody.uid, nobody.gid);
    return await clear;
  });
  afterEach(() => stopServerOf(directory));

  test('the server is that user’s, and is adopted after a kill', async () => {
    const host = spawnHost({ directory }, asNobody);
    const first = await report(host);
    await killHost(host);
    expect(await ownerOf(first.pid)).toBe(nobody.uid);

    const next = spawnHost({ directory }, asNobody);
    expect(await report(next)).toEqual({ ...first, adopted: true });
    await killHost(next);
  });

  test('programs that belong to somebody else are copied to get their links', async () => {
    const elsewhere = await temporaryHome(onTestFinished);
    await chmod(dirname(elsewhere), 0o755);
    const software = await unpackedSoftware(elsewhere);
    const host = spawnHost({ directory, software }, asNobody);
    expect(await report(host)).toMatchObject({ adopted: false });
    await killHost(host);
    expect(await readdir(join(directory, 'software'))).toEqual([software.version]);
  });

  test('the database of another user is refused', async () => {
    await chown(join(directory, 'data'), 1234, 1234);
    onTestFinished(() => chown(join(directory, 'data'), nobody.uid, nobody.gid));
    const host = spawnHost({ directory }, asNobody);
    expect(await report(host)).toMatchObject({
      error: 'Unavailable',
      message: expect.stringContaining('belongs to another user (uid 1234)'),
    });
    await killHost(host);
  });
});
