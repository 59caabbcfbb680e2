import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  hasPodman,
  ordinaryPodmanUser,
  PodmanService,
} from '../packages/drivers/test/docker/podman-service.ts';
import { KnitServer } from './knit-server.ts';
import { othersMayRead } from './others-may-read.ts';

/** How often the server is killed. */
const kills = Number(process.env.KNIT_TEST_ROUNDS ?? 12);
/** Longest life of a server, in milliseconds from the start of its process: some are killed while they come up. */
const longestLife = 2500;
/** What each container prints, in lines. */
const lines = 20_000;

describe.skipIf(!hasPodman)('knit up with a container engine', () => {
  let podman: PodmanService;
  let source: string;

  beforeAll(async () => {
    podman = await PodmanService.start();
    podman.image('knit-test:v1');
    source = await mkdtemp(join(tmpdir(), 'knit-docker-'));
    await writeFile(join(source, 'file'), 'one line\n');
  });
  afterAll(async () => {
    await podman?.[Symbol.asyncDispose]();
    await rm(source, { recursive: true });
  });

  const start = () =>
    KnitServer.start({
      options: ['--container-network', 'none'],
      environment: { DOCKER_HOST: podman.address },
    });
  const small = { cpu: '100m', memory: '64Mi' };

  test(`killed ${kills} times at random moments, runs every combination once, in containers and beside them, keeps every byte of their logs, and leaves nothing behind`, {
    timeout: 300_000,
  }, async () => {
    await using server = await start();
    const clean = await server.register({
      image: 'knit-test:v1',
      entrypoint: [
        'sh',
        '-c',
        `[ -z "$(ls -A /out)" ] || exit 9; seq ${lines}; sleep 0.3; cat /raw/file >/out/file; printf end`,
      ],
      inputs: [{ path: '/raw', tags: ['type:raw'] }],
      outputs: [{ path: '/out', tags: ['type:clean'] }],
      log: { tags: ['type:log'] },
      resources: small,
    });
    const train = await server.register({
      image: 'host:train',
      entrypoint: ['sh', '-c', 'cat /clean/file'],
      inputs: [{ path: '/clean', tags: ['type:clean'] }],
      log: { tags: ['type:log'] },
      resources: small,
    });
    for (let kill = 0; kill < kills; kill++) {
      // A push that the kill breaks off is the user's to repeat; those that were acknowledged must be there.
      const pushing = server.push(source, 'type:raw').catch(() => {});
      await setTimeout(Math.random() * longestLife);
      await server.end('SIGKILL');
      await pushing;
      if (kill % 3 < 2) await server.up();
      else server.spawn(); // and it is killed while it comes up
    }
    await server.end('SIGKILL');
    await server.up();

    const raw = await server.client.findData({ tag: ['type:raw'] });
    expect(raw.length).toBeGreaterThan(0);
    const cleaned = await server.finished(clean, raw.length, 100);
    const trained = await server.finished(train, raw.length, 100);
    expect([cleaned.length, trained.length]).toEqual([raw.length, raw.length]);
    expect([...cleaned, ...trained].filter(({ status }) => status !== 'done')).toEqual([]);
    const said = `${Array.from({ length: lines }, (_, line) => `${line + 1}\n`).join('')}end`;
    for (const { runId } of cleaned) expect((await server.log(runId)) === said).toBe(true);
    for (const { runId } of trained) expect(await server.log(runId)).toBe('one line\n');
    await expect.poll(() => readdir(join(server.dataDirectory, 'containers'))).toEqual([]);
    expect(podman.podman('ps', '--all', '--quiet')).toBe('');
    expect(await server.knit('doctor')).toMatchObject({ code: 0 });
  });

  test('says which driver it uses', async () => {
    await using server = await start();
    const version = await (await fetch(`${server.client.apiRoot}/version`)).json();
    expect(version).toMatchObject({ driver: 'docker' });
  });
});

describe('knit up without a container engine', () => {
  test('says how to get one when a Plan needs it', async () => {
    await using server = await KnitServer.start({ options: ['--driver', 'local'] });
    const refused = server.register({
      image: 'knit-test:v1',
      inputs: [{ path: '/raw', tags: ['type:raw'] }],
    });
    await expect(refused).rejects.toThrow(/needs a container engine, .*--driver local/);
  });

  test('ends at once, and says so, when it was told to use one', async () => {
    const home = await mkdtemp(join(tmpdir(), 'knit-docker-'));
    const environment = { DOCKER_HOST: `unix://${home}/nothing.sock` };
    await using server = new KnitServer(home, { options: ['--driver', 'docker'], environment });
    await expect(server.up()).rejects.toThrow('ended before it was up');
  });
});

const ordinary = ordinaryPodmanUser();
if (ordinary === undefined)
  console.warn('SKIPPED: Podman without root is not tried, for want of a user with ids in /etc/subuid');

describe.skipIf(!hasPodman || ordinary === undefined || !othersMayRead)(
  'knit up of an ordinary user with Podman of their own',
  () => {
    test('reads, uses and deletes what a container has made as other users, for itself alone', async () => {
      const { uid, gid } = ordinary as NonNullable<typeof ordinary>;
      await using podman = await PodmanService.start(ordinary);
      podman.image('knit-test:v1');
      podman.image('knit-test:someone', { changes: ['USER 4321:4321'] });
      const home = await mkdtemp(join(tmpdir(), 'knit-docker-'));
      await chown(home, uid, gid);
      const prefix = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--init-groups', '--'];
      await using server = new KnitServer(home, {
        prefix,
        options: ['--container-network', 'none'],
        environment: { DOCKER_HOST: podman.address },
      });
      await server.up();
      const outputs = (kind: string) => [{ path: '/out', tags: [`type:${kind}`] }];
      const make = await server.register({
        image: 'knit-test:someone',
        entrypoint: ['sh', '-c', 'umask 077; mkdir -p /out/d/e; id -u >/out/d/e/file; chmod 0 /out/d/e'],
        inputs: [{ path: '/raw', tags: ['type:raw'] }],
        outputs: outputs('made'),
      });
      const use = ['knit-test:v1', 'host:v1'].map((image) => ({
        image,
        entrypoint: ['cat', '/in/d/e/file'],
        inputs: [{ path: '/in', tags: ['type:made'] }],
        log: { tags: [] },
      }));
      const users = await Promise.all(use.map((plan) => server.register(plan)));
      const source = await mkdtemp(join(tmpdir(), 'knit-docker-'));
      await server.push(source, 'type:raw');
      const [made] = await server.finished(make, 1);
      expect(made).toMatchObject({ status: 'done' });
      for (const user of users) {
        const [run] = await server.finished(user, 1);
        expect(await server.log(run?.runId ?? '')).toBe('4321\n');
        await server.client.deleteRun(run?.runId ?? '');
      }
      const { code } = await server.knit('data', 'pull', '-x', made?.outputs[0]?.knitId ?? '', source);
      expect(code).toBe(0);
      await server.client.deleteRun(made?.runId ?? '');
      const left = async () => [
        ...(await readdir(join(server.dataDirectory, 'local/trash'))),
        ...(await readdir(join(server.dataDirectory, 'local/volumes'))),
      ];
      await expect.poll(left, { timeout: 10_000 }).toHaveLength(1);
      await rm(source, { recursive: true });
    }, 60_000);
  },
);
