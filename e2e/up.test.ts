import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KnitServer } from './knit-server.ts';
import { knit } from './knit-user.ts';
import { othersMayRead } from './others-may-read.ts';

const isRoot = process.getuid?.() === 0;
let source: string;

beforeAll(async () => {
  source = await mkdtemp(join(tmpdir(), 'knit-source-'));
  await writeFile(join(source, 'file'), 'one line\n');
});
afterAll(() => rm(source, { recursive: true }));

/** Runs `knit up` to its end, which is to come soon. */
async function upInVain(home: string, ...args: string[]) {
  const [program, ...first] = knit;
  const child = spawn(program, [...first, 'up', ...args], {
    env: { ...process.env, HOME: home, DATABASE_URL: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [errors, [code]] = await Promise.all([child.stderr.toArray(), once(child, 'exit')]);
  return { code, stderr: Buffer.concat(errors).toString() };
}

/** Whether some process was started with these words in its command line. */
async function isRunning(words: string): Promise<boolean> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.replaceAll('\0', ' ').includes(words)) return true;
  }
  return false;
}

const sleeper = {
  image: 'host:sleeper',
  entrypoint: [
    'sh',
    '-c',
    'echo begun; while [ ! -e /in/absent ] && [ $((i += 1)) -lt 40 ]; do sleep 0.1; done; echo > /out/file',
  ],
  inputs: [{ path: '/in', tags: ['up:in'] }],
  outputs: [{ path: '/out', tags: ['up:out'] }],
  log: { tags: [] },
};

test('Ctrl-C stops everything but the Runs, and the next server goes on where it was', async () => {
  await using server = await KnitServer.start();
  const planId = await server.register(sleeper);
  await server.push(source, 'up:in');
  await expect
    .poll(async () => (await server.client.findRuns({ plan: [planId], status: ['running'] })).length)
    .toBe(1);
  expect(await server.end('SIGINT')).toBe(0);
  expect(await isRunning(`-D ${server.dataDirectory}`)).toBe(false);
  await server.up();
  const [run] = await server.finished(planId, 1);
  expect(run).toMatchObject({ status: 'done', exit: { code: 0 } });
  expect(await server.log(run?.runId ?? '')).toBe('begun\n');
});

test('a second server on the same directory says who holds it', async () => {
  await using server = await KnitServer.start();
  const { code, stderr } = await upInVain(server.home, '--data-dir', server.dataDirectory, '--port', '0');
  expect(code).toBe(1);
  expect(stderr).toContain(
    `held by a knit up with process id ${server.pid}, which serves ${server.client.apiRoot.replace('/api', '')}`,
  );
  expect((await server.client.findData()).length).toBe(0); // and the first one does not mind
});

test('a port in use is named', async () => {
  const home = await mkdtemp(join(tmpdir(), 'knit-up-'));
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { code, stderr } = await upInVain(home, '--data-dir', join(home, 'data'), '--port', String(port));
  other.close();
  expect([code, stderr]).toEqual([1, expect.stringContaining(`the port ${port} on 127.0.0.1 is in use`)]);
  expect(await isRunning(`-D ${join(home, 'data')}`)).toBe(false);
  await rm(home, { recursive: true });
});

test('a data directory of a newer version is left alone', async () => {
  const home = await mkdtemp(join(tmpdir(), 'knit-up-'));
  const data = join(home, 'data');
  await mkdir(data);
  await writeFile(join(data, 'layout.json'), '{"layout": 999}');
  const { code, stderr } = await upInVain(home, '--data-dir', data);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/made by a newer version.*\n.*Update knit/)]);
  expect(await readdir(data)).toEqual(['layout.json']);
  await rm(home, { recursive: true });
});

test('a data directory that cannot be made is named', async () => {
  const home = await mkdtemp(join(tmpdir(), 'knit-up-'));
  await writeFile(join(home, 'file'), '');
  const { code, stderr } = await upInVain(home, '--data-dir', join(home, 'file', 'data'));
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining(`the data directory ${join(home, 'file', 'data')} can't be used`),
  ]);
  await rm(home, { recursive: true });
});

test('a database that dies comes back, and Runs go on', async () => {
  await using server = await KnitServer.start();
  const planId = await server.register(sleeper);
  await server.push(source, 'up:in');
  const postmaster = Number(
    (await readFile(join(server.dataDirectory, 'postgresql', 'data', 'postmaster.pid'), 'utf8')).split(
      '\n',
    )[0],
  );
  process.kill(postmaster, 'SIGKILL');
  const answers = new Set<number>();
  await expect
    .poll(
      async () => {
        const response = await fetch(`${server.client.apiRoot}/data`).catch(() => undefined);
        answers.add(response?.status ?? 0);
        return response?.status;
      },
      { timeout: 20_000 },
    )
    .toBe(200);
  expect([...answers].filter((status) => status !== 200 && status !== 503)).toEqual([]);
  // Connections that broke may be found out one by one.
  const finished = () => server.finished(planId, 1).catch(() => []);
  await expect.poll(finished, { timeout: 20_000 }).toMatchObject([{ status: 'done' }]);
});

test('listening beyond this machine is warned of, loudly', async () => {
  const home = await mkdtemp(join(tmpdir(), 'knit-up-'));
  const [program, ...first] = knit;
  const child = spawn(
    program,
    [...first, 'up', '--data-dir', join(home, 'data'), '--port', '0', '--host', '0.0.0.0'],
    {
      env: { ...process.env, HOME: home, DATABASE_URL: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const [errors] = await Promise.all([child.stderr.toArray(), once(child, 'exit')]);
  expect(Buffer.concat(errors).toString()).toContain('WARNING: http://0.0.0.0:');
  await rm(home, { recursive: true });
});

test.skipIf(!isRoot)('a full disk refuses the push that does not fit, and gives its space back', async () => {
  const home = await mkdtemp(join(tmpdir(), 'knit-up-'));
  await mkdir(join(home, 'data'));
  await run('mount', '-t', 'tmpfs', '-o', 'size=192m,mode=0711', 'tmpfs', join(home, 'data'));
  const large = await mkdtemp(join(tmpdir(), 'knit-large-'));
  await writeFile(join(large, 'file'), Buffer.alloc(256 * 1024 * 1024));
  try {
    await using server = new KnitServer(home);
    await server.up();
    const { code, stderr } = await server.knit('data', 'push', large);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/full|space|room/)]);
    expect(await server.client.findData()).toEqual([]);
    await expect.poll(() => readdir(join(server.dataDirectory, 'local', 'volumes'))).toEqual([]);
    expect((await server.knit('data', 'push', source)).code).toBe(0);
    await server.end();
    await run('umount', join(home, 'data'));
  } finally {
    await rm(large, { recursive: true });
  }
});

test.skipIf(!isRoot || !othersMayRead)('it works for an ordinary user as it does for root', async () => {
  const nobody = 65534;
  const home = await mkdtemp(join(tmpdir(), 'knit-up-'));
  await chown(home, nobody, nobody);
  await chmod(source, 0o755);
  const server = new KnitServer(home, {
    prefix: ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'],
  });
  await using _ = server;
  await server.up();
  const planId = await server.register({ ...sleeper, entrypoint: ['sh', '-c', 'id -u; cp /in/file /out/'] });
  await server.push(source, 'up:in');
  const [run] = await server.finished(planId, 1);
  expect(run).toMatchObject({ status: 'done', exit: { code: 0 } });
});

async function run(program: string, ...args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
}
