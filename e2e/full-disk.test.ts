import { execFileSync, spawnSync } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { KnitServer } from './knit-server.ts';

/** A small file system of its own for one part of the server's state; nothing else is short of space. */
class SmallDisk {
  readonly path: string;

  constructor(path: string, megabytes: number) {
    this.path = path;
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0711`, 'tmpfs', path]);
  }

  /** Takes all space that is left, for a file that can be deleted. */
  fill(): void {
    spawnSync('dd', ['if=/dev/zero', `of=${join(this.path, 'ballast')}`, 'bs=64k'], { stdio: 'ignore' });
  }

  async free(): Promise<void> {
    await rm(join(this.path, 'ballast'));
  }

  unmount(): void {
    execFileSync('umount', ['--lazy', this.path]);
  }
}

const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
const title = (text: string) => (mayMount ? text : `${text} (skipped: it takes root and the right to mount)`);

const plan = {
  image: 'host:v1',
  entrypoint: ['sh', '-c', 'echo begun; [ -z "$(ls -A /out)" ] || exit 9; cp /in/file /out/'],
  inputs: [{ path: '/in', tags: ['disk:in'] }],
  outputs: [{ path: '/out', tags: ['disk:out'] }],
  log: { tags: [] },
  resources: { cpu: '100m', memory: '64Mi' },
};

async function prepared(part: 'postgresql' | 'local', megabytes: number) {
  const home = await mkdtemp(join(tmpdir(), 'knit-disk-'));
  const place = join(home, 'data', part);
  await mkdir(place, { recursive: true });
  const disk = new SmallDisk(place, megabytes);
  const source = join(home, 'source');
  await mkdir(source);
  await writeFile(join(source, 'file'), 'one line\n');
  const server = new KnitServer(home);
  return {
    disk,
    source,
    server,
    async [Symbol.asyncDispose]() {
      await server.end();
      disk.unmount();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Everything that was acknowledged is there, and every Data has its one Run. */
async function expectWhole(server: KnitServer, planId: string, acknowledged: readonly string[]) {
  const data = await server.client.findData({ tag: ['disk:in'] });
  const known = new Set(data.map(({ knitId }) => knitId));
  expect(acknowledged.filter((knitId) => !known.has(knitId))).toEqual([]);
  const runs = await server.finished(planId, data.length);
  expect(runs.map(({ status }) => status)).toEqual(data.map(() => 'done'));
  expect(new Set(runs.map(({ inputs }) => inputs[0]?.knitId)).size).toBe(data.length);
  await expect
    .poll(async () => (await server.client.examine()).findings.flatMap(({ breaches }) => breaches), {
      timeout: 60_000,
      interval: 1000,
    })
    .toEqual([]);
}

test.skipIf(!mayMount)(
  title(
    "the database's disk is full: pushes are refused with the reason, and all goes on once there is space",
  ),
  { timeout: 240_000 },
  async () => {
    await using small = await prepared('postgresql', 192);
    const { disk, source, server } = small;
    await server.up();
    const planId = await server.register(plan);
    const acknowledged = [await server.push(source, 'disk:in')];
    disk.fill();

    // What is there already may be written to for a while; then PostgreSQL itself goes down for want of space for its log.
    const refusals = new Set<string>();
    const database = await server.databaseUrl();
    const pushUntilRefused = async () => {
      for (;;) {
        const pushed = await server.knit('data', 'push', source, '--tag', 'disk:in');
        if (pushed.code !== 0) return refusals.add(pushed.stderr);
        acknowledged.push(JSON.parse(pushed.stdout).knitId);
        await fillLog(database);
      }
    };
    await pushUntilRefused();
    // Without space it can't come up again, either.
    await fillLog(database);
    const pid = await postmaster(server);
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
    disk.fill();
    const changes = await changesOfPidFile(server, 8000);
    await pushUntilRefused();
    expect([...refusals].join('')).toMatch(/space|can't be reached/);
    expect([...refusals].join('')).not.toMatch(/internal|unexpected/i);
    expect(changes).toBeLessThan(50);

    await disk.free();
    await expect
      .poll(() => fetch(`${server.client.apiRoot}/data`).then(({ status }) => status), {
        timeout: 60_000,
        interval: 200,
      })
      .toBe(200);
    acknowledged.push(await server.push(source, 'disk:in'));
    await expectWhole(server, planId, acknowledged);
  },
);

/** Undefined when it has ended by itself: for want of space, too. */
async function postmaster({ dataDirectory }: KnitServer): Promise<number | undefined> {
  const file = join(dataDirectory, 'postgresql', 'data', 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : Number(text.split('\n')[0]);
}

/** What the database's processes do to the file of its process id in so many milliseconds: a few changes for each start. */
async function changesOfPidFile({ dataDirectory }: KnitServer, milliseconds: number): Promise<number> {
  let changes = 0;
  const watcher = watch(join(dataDirectory, 'postgresql', 'data'), (_, name) => {
    if (name === 'postmaster.pid') changes++;
  });
  await setTimeout(milliseconds);
  watcher.close();
  return changes;
}

/** Makes the database write to its log (WAL), as many users would. */
async function fillLog(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(
      "select pg_logical_emit_message(false, 'full', repeat('x', 1000000)) from generate_series(1, 300)",
    );
  } catch {
    // It is to fail.
  } finally {
    await client.end().catch(() => {});
  }
}

test.skipIf(!mayMount)(
  title(
    'the disk of the volumes is full: the database goes on, and so do pushes and Runs once there is space',
  ),
  { timeout: 120_000 },
  async () => {
    await using small = await prepared('local', 64);
    const { disk, source, server } = small;
    await server.up();
    const planId = await server.register(plan);
    const acknowledged = [await server.push(source, 'disk:in')];
    await server.finished(planId, 1);
    disk.fill();
    const { code, stderr } = await server.knit('data', 'push', source, '--tag', 'disk:in');
    expect([code, stderr]).toEqual([1, expect.stringMatching(/full|space|room/)]);
    // A Run that becomes possible now waits for space, and says so.
    await server.client.tagData(acknowledged[0] as string, { add: ['disk:again'] });
    const again = await server.register({ ...plan, inputs: [{ path: '/in', tags: ['disk:again'] }] });
    await expect
      .poll(async () => (await server.client.findRuns({ plan: [again] }))[0]?.problem, { timeout: 20_000 })
      .toMatch(/space/i);
    await disk.free();
    acknowledged.push(await server.push(source, 'disk:in'));
    await expectWhole(server, planId, acknowledged);
    const [run] = await server.finished(again, 1);
    expect(run?.status).toBe('done');
  },
);
