import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Contained } from './contained.ts';
import { hasPodman, PodmanService } from './podman-service.ts';
import { hasRegistry, Registry, registryUser } from './registry.ts';

describe.skipIf(!hasPodman || !hasRegistry)('an image that the engine does not have', () => {
  let podman: PodmanService;
  let open: Registry;
  let guarded: Registry;
  let contained: Contained;
  let home: string;
  let digest: string;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'knit-home-'));
    vi.stubEnv('HOME', home);
    vi.stubEnv('XDG_RUNTIME_DIR', home);
    [podman, open, guarded] = await Promise.all([
      PodmanService.start(),
      Registry.start(),
      Registry.start({ isPrivate: true }),
    ]);
    podman.image('knit-test:v1');
    const digestFile = join(podman.directory, 'digest');
    podman.podman('push', '--digestfile', digestFile, 'knit-test:v1', `${open.host}/team/tool:v1`);
    digest = readFileSync(digestFile, 'utf8');
    const { name, password } = registryUser;
    podman.podman('push', '--creds', `${name}:${password}`, 'knit-test:v1', `${guarded.host}/team/tool:v1`);
    // Podman would tell digests of both copies.
    podman.podman('rmi', '--force', 'knit-test:v1');
    contained = await Contained.open(podman, { pullDeadlineSeconds: 0 });
  });
  afterEach(() => {
    rmSync(join(home, '.docker'), { recursive: true, force: true });
    for (const { host } of [open, guarded])
      podman.podman('rmi', '--force', '--ignore', `${host}/team/tool:v1`);
  });
  afterAll(async () => {
    await contained?.close();
    await podman?.[Symbol.asyncDispose]();
    await open?.[Symbol.asyncDispose]();
    await guarded?.[Symbol.asyncDispose]();
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true });
  });

  const login = (content: object) => {
    mkdirSync(join(home, '.docker'), { recursive: true });
    writeFileSync(join(home, '.docker/config.json'), JSON.stringify(content));
  };

  it('is pulled, and the Run tells which one it was', async () => {
    const image = `${open.host}/team/tool:v1`;
    const { code, execution } = await contained.run('exit 0', { image });
    expect({ code, digests: execution?.digests }).toEqual({ code: 0, digests: { [image]: digest } });
  });

  it('is pulled once for all who need it, and says so meanwhile', async () => {
    const image = `${open.host}/team/tool:v1`;
    const specs = await Promise.all(
      Array.from({ length: 3 }, () => contained.start(['sh', '-c', 'exit 3'], { image })),
    );
    await expect
      .poll(() => contained.workers.inspect(specs[0]?.name ?? ''), { interval: 1 })
      .toMatchObject({
        reason: expect.stringMatching(/^pulls the image .*team\/tool:v1/),
      });
    const ended = await Promise.all(specs.map((spec) => contained.until(spec, 'ended')));
    expect(ended.map(({ code }) => code)).toEqual([3, 3, 3]);
  });

  it('and that does not exist is why the Run could not start, which was not the user’s code', async () => {
    const state = await contained.run('exit 0', { image: `${open.host}/team/nothing:v1` });
    expect(state).toMatchObject({ code: 255, cause: 'lost' });
    expect(state.reason).toMatch(
      /^ImagePullError: the image .*team\/nothing:v1 can't be pulled: .*manifest unknown/,
    );
  });

  it('is waited for while the registry is away', async () => {
    const patient = await Contained.open(podman);
    await open.down();
    const spec = await patient.start(['sh', '-c', 'exit 6'], { image: `${open.host}/team/tool:v1` });
    // Podman tries some times by itself before it says so.
    await expect
      .poll(() => patient.workers.inspect(spec.name), { timeout: 25_000 })
      .toMatchObject({
        phase: 'pending',
        reason: expect.stringMatching(/tries again in \d+ s: .*connection refused/),
      });
    await open.up();
    expect(await patient.until(spec, 'ended')).toMatchObject({ code: 6 });
    await patient.close();
  }, 60_000);

  it('is given up in the end while the registry is away, and can be given up by the user before', async () => {
    await open.down();
    const image = `${open.host}/team/tool:v1`;
    expect(await contained.run('exit 0', { image })).toMatchObject({ code: 255, cause: 'lost' });
    const patient = await Contained.open(podman);
    const spec = await patient.start(['sh', '-c', 'exit 6'], { image });
    await patient.workers.remove(spec.name);
    expect(await patient.workers.list()).toEqual([]);
    await patient.close();
    await open.up();
  }, 60_000);

  it('and is private is refused without a login, in words', async () => {
    const state = await contained.run('exit 0', { image: `${guarded.host}/team/tool:v1` });
    expect(state).toMatchObject({
      code: 255,
      reason: expect.stringMatching(/authentication required|unauthorized/),
    });
  });

  it('and is private is pulled with the user’s own login', async () => {
    const auth = Buffer.from(`${registryUser.name}:${registryUser.password}`).toString('base64');
    login({ auths: { [guarded.host]: { auth } } });
    expect(await contained.run('exit 0', { image: `${guarded.host}/team/tool:v1` })).toMatchObject({
      code: 0,
      reason: 'Completed',
    });
  });

  it('and is private is pulled with a login that a helper program keeps', async () => {
    const helper = join(home, 'docker-credential-test');
    const answer = JSON.stringify({
      ServerURL: guarded.host,
      Username: registryUser.name,
      Secret: registryUser.password,
    });
    writeFileSync(helper, `#!/bin/sh\nread server; [ "$server" = '${guarded.host}' ] && echo '${answer}'\n`);
    chmodSync(helper, 0o755);
    vi.stubEnv('PATH', `${home}:${process.env.PATH}`);
    login({ credHelpers: { [guarded.host]: 'test' } });
    expect(await contained.run('exit 0', { image: `${guarded.host}/team/tool:v1` })).toMatchObject({
      code: 0,
      reason: 'Completed',
    });
  });
});
