import { execFileSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packagedSoftware, type Software } from '../../src/embedded/software.ts';
import { killHost, report, spawnHost } from './host-process.ts';
import { isRoot, query, start, temporaryHome } from './temporary-home.ts';

const nobody = { uid: 65534, gid: 65534 };
const asNobody = ['setpriv', `--reuid=${nobody.uid}`, `--regid=${nobody.gid}`, '--clear-groups'];
const withoutNamespaces = ['setpriv', '--bounding-set=-sys_admin'];

/** Whether an ordinary user can run this checkout at all. */
const isReachableByAll = isRoot && reachable(import.meta.filename);
function reachable(path: string): boolean {
  try {
    execFileSync('test', ['-r', path], nobody);
    return true;
  } catch {
    return false;
  }
}

/** The programs as npm would unpack them, without links, at another place. */
async function unpackedSoftware(directory: string, mode: number): Promise<Software> {
  const packaged = await packagedSoftware();
  await cp(packaged.directory, directory, {
    recursive: true,
    filter: async (path) => !path.endsWith('.a') && !(await stat(path)).isSymbolicLink(),
  });
  for (const name of await readdir(join(directory, 'lib'))) {
    if (/\.so(\.5|\.60)?$/.test(name)) await rm(join(directory, 'lib', name));
  }
  await chmod(directory, mode);
  return { ...packaged, directory };
}

const ownerOf = async (pid: number | undefined): Promise<number> => (await stat(`/proc/${pid}`)).uid;

describe.runIf(isRoot)('started by root', () => {
  test('the server runs as an ordinary user', async () => {
    const server = await start({ directory: await temporaryHome() });
    expect(await ownerOf(server.pid)).not.toBe(0);
  });

  test('the server runs where only root can go, and nothing of that is opened to others', async () => {
    const directory = await temporaryHome();
    const server = await start({ directory }); // its parent is of mode 0700
    expect((await stat(dirname(directory))).mode & 0o777).toBe(0o700);
    expect(await ownerOf(server.pid)).not.toBe(0);
    await query(server.connectionString, 'create table kept as select 1 as value');
    await server.stop();
    const next = await start({ directory });
    expect(await query(next.connectionString, 'select value from kept')).toEqual([{ value: 1 }]);
  });

  test('a directory of mode 0700 of its own keeps it', async () => {
    const directory = await temporaryHome();
    await mkdir(directory, { mode: 0o700 });
    const server = await start({ directory });
    expect(await ownerOf(server.pid)).not.toBe(0);
    expect((await stat(directory)).mode & 0o777).toBe(0o700);
  });

  test('the programs may lie where only root can go', async () => {
    const directory = await temporaryHome();
    const software = await unpackedSoftware(join(dirname(directory), 'software'), 0o700);
    const server = await start({ directory, software });
    expect(await query(server.connectionString, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await ownerOf(server.pid)).not.toBe(0);
    expect(await readdir(join(directory, 'software'))).toEqual([software.version]);
  });

  test('without the right to namespaces, it says which directory is in the way', async () => {
    const directory = await temporaryHome();
    const host = spawnHost({ directory }, withoutNamespaces);
    expect(await report(host)).toMatchObject({
      error: 'Unavailable',
      message: expect.stringContaining(`can't enter ${dirname(directory)}`),
    });
    await killHost(host);
  });

  test('without the right to namespaces, a directory that all can reach will do', async () => {
    const directory = await temporaryHome();
    await chmod(dirname(directory), 0o755);
    const host = spawnHost({ directory }, withoutNamespaces);
    expect(await report(host)).toMatchObject({ adopted: false });
    await killHost(host);
  });

  test("the database of an ordinary user is run as that user, and root's own is refused", async () => {
    const directory = await temporaryHome();
    await (await start({ directory })).stop();
    const give = (uid: number, gid: number) =>
      execFileSync('chown', ['-R', `${uid}:${gid}`, join(directory, 'data')]);
    give(1234, 1234);
    const server = await start({ directory });
    expect(await ownerOf(server.pid)).toBe(1234);
    await server.stop();
    give(0, 0);
    await expect(start({ directory })).rejects.toMatchObject({
      name: 'Unavailable',
      reason: expect.stringContaining('belongs to root'),
    });
  });

  test('a full disk is told in the words of the program that met it', async () => {
    const directory = await temporaryHome();
    await mkdir(directory);
    const onSmallDisk = [
      'sh',
      '-c',
      `mount -t tmpfs -o size=4m,mode=0755 none "${directory}"; exec "$@"`,
      'sh',
    ];
    const host = spawnHost({ directory }, ['unshare', '--mount', ...onSmallDisk]);
    expect(await report(host)).toMatchObject({
      error: 'Unavailable',
      message: expect.stringContaining('No space left on device'),
    });
    await killHost(host);
  });
});

describe.runIf(isReachableByAll)('started by an ordinary user', () => {
  async function homeOfNobody(): Promise<string> {
    const directory = await temporaryHome();
    await mkdir(directory);
    for (const each of [dirname(directory), directory]) await chown(each, nobody.uid, nobody.gid);
    return directory;
  }

  test('the server is that user’s, and is adopted after a kill', async () => {
    const directory = await homeOfNobody();
    const host = spawnHost({ directory }, asNobody);
    const first = await report(host);
    await killHost(host);
    expect(await ownerOf(first.pid)).toBe(nobody.uid);

    const next = spawnHost({ directory }, asNobody);
    expect(await report(next)).toEqual({ ...first, adopted: true });
    await killHost(next);
  });

  test('programs that belong to somebody else are copied to get their links', async () => {
    const directory = await homeOfNobody();
    const elsewhere = dirname(await temporaryHome());
    await chmod(elsewhere, 0o755);
    const software = await unpackedSoftware(join(elsewhere, 'software'), 0o755);
    const host = spawnHost({ directory, software }, asNobody);
    expect(await report(host)).toMatchObject({ adopted: false });
    await killHost(host);
    expect(await readdir(join(directory, 'software'))).toEqual([software.version]);
  });

  test('the database of another user is refused', async () => {
    const directory = await homeOfNobody();
    await mkdir(join(directory, 'data'));
    const host = spawnHost({ directory }, asNobody);
    expect(await report(host)).toMatchObject({
      error: 'Unavailable',
      message: expect.stringContaining('belongs to another user (uid 0)'),
    });
    await killHost(host);
    await rm(join(directory, 'data'), { recursive: true });
  });
});
