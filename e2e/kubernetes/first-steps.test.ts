import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { output } from './commands.ts';
import { connectedInstallation } from './shared-installation.ts';
import { surroundings } from './surroundings.ts';

/** What the user's guide lets somebody do who has been given a handout. */
describe.skipIf(!surroundings.hasCluster)('a user with the handout', () => {
  const knitfab = connectedInstallation();
  let place = '';
  let registry = '';
  const repository = 'e2e/greet';
  // One that no test before has used.
  const tag = `v${Date.now()}`;

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'knit-e2e-user-'));
    registry = (await readdir(join(knitfab.handout, 'docker', 'certs.d')))[0] ?? '';
  });

  afterAll(async () => {
    await rm(place, { recursive: true, force: true });
  });

  test('names the server with `knit init`', async () => {
    const { code, stderr } = await knitfab.knit('init', join(knitfab.handout, 'knitprofile'));
    expect(stderr).toContain('knit talks to https://');
    expect(code).toBe(0);
  });

  test('pushes a directory, finds it and pulls it again', async () => {
    await writeFile(join(place, 'greeting'), 'hello\n');
    const pushed = await knitfab.knit('data', 'push', '-t', 'e2e:greeting', place);
    expect(pushed.stderr).not.toMatch(/error/i);
    const knitId = /"knitId":\s*"([^"]+)"/.exec(pushed.stdout)?.[1] ?? '';
    const found = await knitfab.knit('data', 'find', '-t', 'e2e:greeting');
    expect(found.stdout).toContain(knitId);
    const target = join(place, 'pulled');
    const pulled = await knitfab.knit('data', 'pull', '-x', knitId, target);
    expect(pulled.code).toBe(0);
    expect(await readFile(join(target, knitId, 'greeting'), 'utf8')).toBe('hello\n');
  });

  test('pushes an image to the registry in the cluster, over TLS', async () => {
    // A program of the image's own, by a name that every shell and busybox know.
    const program = '#!/bin/sh\ncat /greeting /in/greeting > /out/both\necho copied\n';
    await writeFile(join(place, 'date'), program, { mode: 0o755 });
    const lines = [
      'COPY greeting /greeting',
      'COPY date /own/date',
      'ENV PATH=/own:/bin',
      'ENTRYPOINT ["date"]',
    ];
    await writeFile(join(place, 'Containerfile'), [`FROM ${surroundings.image}`, ...lines, ''].join('\n'));
    const name = `${registry}/${repository}:${tag}`;
    const build = ['buildah', 'build', '--pull=never', '--network=host', '-q', '-t', name];
    await output([...build, '-f', join(place, 'Containerfile'), place]);
    const certificates = join(knitfab.handout, 'docker', 'certs.d', registry);
    await output(['buildah', 'push', '-q', '--cert-dir', certificates, name, `docker://${name}`]);
    const ca = join(certificates, 'ca.crt');
    const tags = await output([
      'curl',
      '-sS',
      '--cacert',
      ca,
      `https://${registry}/v2/${repository}/tags/list`,
    ]);
    expect(JSON.parse(tags)).toMatchObject({ tags: expect.arrayContaining([tag]) });
  });

  test("uses it in a Plan that says neither entrypoint nor args: the image's own are run, and what it prints is kept", async () => {
    const planId = await knitfab.register({
      image: `${registry}/${repository}:${tag}`,
      inputs: [{ path: '/in', tags: ['e2e:greeting'] }],
      outputs: [{ path: '/out', tags: ['e2e:both'] }],
      log: { tags: [] },
      resources: { cpu: '50m', memory: '64Mi' },
    });
    const [run] = await knitfab.finished(planId, 1, 200);
    expect(run).toMatchObject({ status: 'done', exit: { code: 0 } });
    expect(await knitfab.log(run?.runId ?? '')).toBe('copied\n');
    const output = run?.outputs[0]?.knitId ?? '';
    const { code } = await knitfab.knit('data', 'pull', '-x', output, place);
    expect(code).toBe(0);
    expect(await readFile(join(place, output, 'both'), 'utf8')).toBe('hello\nhello\n');
  });
});
