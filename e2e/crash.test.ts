import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { KnitServer } from './knit-server.ts';

/** How often the server is killed. */
const kills = 50;
/** Longest life of a server, in milliseconds from the start of its process: some are killed while they come up. */
const longestLife = 1500;

/** Fails if it is not alone with an empty output, and prints one line for each time that it is run. */
const careful = (inputs: string[], seconds: number) => [
  'sh',
  '-c',
  `echo begun; [ -z "$(ls -A /out)" ] || exit 9; sleep ${seconds}; cat ${inputs.map((input) => `${input}/file`).join(' ')} > /out/file`,
];

test(`killed ${kills} times at random moments, the server runs every combination once, to its end, and leaves nothing behind`, {
  timeout: 300_000,
}, async () => {
  await using server = await KnitServer.start();
  const clean = await server.register({
    image: 'host:clean',
    entrypoint: careful(['/raw'], 0.1),
    inputs: [{ path: '/raw', tags: ['type:raw'] }],
    outputs: [{ path: '/out', tags: ['type:clean'] }],
    log: { tags: ['type:log'] },
    resources: { cpu: '100m', memory: '64Mi' },
  });
  const train = await server.register({
    image: 'host:train',
    entrypoint: careful(['/clean', '/params'], 0.05),
    inputs: [
      { path: '/clean', tags: ['type:clean'] },
      { path: '/params', tags: ['type:params'] },
    ],
    outputs: [{ path: '/out', tags: ['type:model'] }],
    log: { tags: ['type:log'] },
    resources: { cpu: '100m', memory: '64Mi' },
  });
  const source = await mkdtemp(join(tmpdir(), 'knit-crash-'));
  await writeFile(join(source, 'file'), 'one line\n');
  await server.push(source, 'type:params');
  await server.push(source, 'type:params');

  for (let kill = 0; kill < kills; kill++) {
    // Pushes that the kill breaks off are the user's to repeat; those that were acknowledged must be there.
    const pushing = pushUntilBroken(server, source);
    await setTimeout(Math.random() * longestLife);
    await server.end('SIGKILL');
    await pushing;
    if (kill % 2 === 0) await server.up();
    else server.spawn(); // and it is killed while it comes up
  }
  await server.end('SIGKILL');
  await server.up();

  const raw = await server.client.findData({ tag: ['type:raw'] });
  expect(raw.length).toBeGreaterThan(0);
  const cleaned = await server.finished(clean, raw.length);
  const trained = await server.finished(train, raw.length * 2);
  for (const [runs, count] of [
    [cleaned, raw.length],
    [trained, raw.length * 2],
  ] as const) {
    const combinations = runs.map((run) => run.inputs.map((input) => input.knitId).join());
    expect(new Set(combinations).size).toBe(count);
    expect(runs).toHaveLength(count);
    expect(runs.filter((run) => run.status !== 'done')).toEqual([]);
    for (const run of runs) expect(await server.log(run.runId)).toBe('begun\n');
  }
  await expectNothingLeftBehind(server);
  await rm(source, { recursive: true });
});

async function pushUntilBroken(server: KnitServer, source: string): Promise<void> {
  for (;;) {
    try {
      await server.push(source, 'type:raw');
    } catch {
      return;
    }
    await setTimeout(300);
  }
}

/** What is on disk is what the database knows of, and nothing else; broken uploads are gone once their leases have ended. */
async function expectNothingLeftBehind(server: KnitServer): Promise<void> {
  const database = new pg.Client(await server.databaseUrl());
  await database.connect();
  try {
    const count = async (query: string) => Number((await database.query(query)).rows[0]?.count);
    await expect
      .poll(
        () =>
          count(
            `select (select count(*) from garbage) + (select count(*) from run where status not in ('done', 'failed')) as count`,
          ),
        {
          timeout: 60_000,
          interval: 500,
        },
      )
      .toBe(0);
    const { rows } = await database.query<{ volume_ref: string }>('select volume_ref from data order by 1');
    const local = join(server.dataDirectory, 'local');
    expect((await readdir(join(local, 'volumes'))).sort()).toEqual(rows.map((row) => row.volume_ref).sort());
    expect(await readdir(join(local, 'workers'))).toEqual([]);
  } finally {
    await database.end();
  }
}
