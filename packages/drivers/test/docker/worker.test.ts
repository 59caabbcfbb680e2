import { randomUUID } from 'node:crypto';
import { lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Contained } from './contained.ts';
import { hasPodman, PodmanService } from './podman-service.ts';

describe.skipIf(!hasPodman)('a worker in a container', () => {
  let podman: PodmanService;
  let contained: Contained;

  beforeAll(async () => {
    podman = await PodmanService.start();
    podman.image('knit-test:v1');
    podman.image('knit-test:words', { changes: ['ENTRYPOINT ["echo", "entry"]', 'CMD ["command"]'] });
    podman.image('knit-test:someone', { changes: ['USER 4321:4321'] });
    podman.image('knit-test:volume', { changes: ['VOLUME /data'] });
    contained = await Contained.open(podman);
  });
  afterAll(async () => {
    await contained?.close();
    await podman?.[Symbol.asyncDispose]();
  });

  it('reads its inputs, can not change them, and writes its outputs', async () => {
    await contained.volumes.create('raw');
    writeFileSync(join(contained.volume('raw'), 'file'), 'one line\n');
    const { code, log, spec } = await contained.run(
      'cat /in/file >/out/copy; (touch /in/x) 2>/dev/null || echo refused; (echo x >/in/file) 2>/dev/null || echo refused',
      { inputs: [{ path: '/in', volume: 'raw' }] },
    );
    expect({ code, log }).toEqual({ code: 0, log: 'refused\nrefused\n' });
    expect(readFileSync(contained.output(spec, 'copy'), 'utf8')).toBe('one line\n');
  });

  it('writes its outputs as whoever the image runs as, and they are nobody else’s to write when it has ended', async () => {
    const { log, spec } = await contained.run(
      'id -u; echo mine >/out/file; mkdir -m 700 /out/d; echo x >/out/d/f',
      {
        image: 'knit-test:someone',
      },
    );
    expect(log).toBe('4321\n');
    expect(statSync(contained.output(spec, 'file')).uid).toBe(4321);
    expect(statSync(contained.output(spec)).mode & 0o777).toBe(0o777 & ~process.umask());
    const next = await contained.run('cat /in/d/f', {
      inputs: [{ path: '/in', volume: spec.outputs[0]?.volume ?? '' }],
    });
    expect(next.log).toBe('x\n');
    await contained.volumes.destroy(spec.outputs[0]?.volume ?? '');
    expect(lstatSync(contained.output(spec), { throwIfNoEntry: false })).toBeUndefined();
  });

  it.each([
    ['the image’s own command', {}, 'entry command\n'],
    ['args in place of the image’s', { args: ['other', 'words'] }, 'entry other words\n'],
    [
      'an entrypoint in place of the image’s, without its command',
      { entrypoint: ['echo', 'mine'] },
      'mine\n',
    ],
    ['both', { entrypoint: ['echo', 'mine'], args: ['too'] }, 'mine too\n'],
  ])('runs %s', async (_, command, said) => {
    const { log } = await contained.runCommand([], { image: 'knit-test:words', ...command });
    expect(log).toBe(said);
  });

  it('has the variables that it is given, and no socket of the engine', async () => {
    const { log } = await contained.run(
      'echo "$KNIT_RUN_ID"; ls /run /var/run 2>/dev/null | cat; grep x /dev/null',
      {
        env: { KNIT_RUN_ID: 'a = b "c"' },
      },
    );
    expect(log.split('\n')[0]).toBe('a = b "c"');
    expect(log).not.toMatch(/sock/);
  });

  it('can not get more rights than it has', async () => {
    const { log } = await contained.run('cat /proc/self/status');
    expect(log).toMatch(/^NoNewPrivs:\t1$/m);
  });

  it('has no network where the server has none for it', async () => {
    const { log } = await contained.run('cat /proc/net/dev');
    expect(log).toMatch(/^\s+lo:/m);
    expect(log).not.toMatch(/^\s+eth\d/m);
  });

  it('tells how it ended, of which image, and when', async () => {
    const { execution, ...exit } = await contained.run('exit 7');
    expect(exit).toMatchObject({ code: 7, reason: 'Error' });
    expect(execution).toMatchObject({
      driver: 'docker',
      digests: { 'knit-test:v1': expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    });
    expect(Date.parse(execution?.endedAt ?? '')).toBeGreaterThanOrEqual(
      Date.parse(execution?.startedAt ?? '') - 1000,
    );
  });

  it.each([
    ['no such program', ['nothing-of-that-name'], 127],
    ['a file that is no program', ['/tmp'], 126],
  ])('that can not start for %s is the user’s error', async (_, command, code) => {
    const state = await contained.runCommand(command);
    expect(state).toMatchObject({ code, reason: 'StartError', cause: 'error' });
    expect(state.execution?.notes?.join()).toMatch(
      /could not be started: .*(not found|is a directory|permission denied)/,
    );
  });

  it('that takes more memory than its limit is told of as OOMKilled', async () => {
    const { code, reason } = await contained.run('x=$(yes | head -c 200000000); echo "$x"', {
      resources: { cpu: '1', memory: '32Mi' },
    });
    expect({ code, reason }).toEqual({ code: 137, reason: 'OOMKilled' });
  });

  it('leaves nothing behind once it is removed, and is removed once more', async () => {
    const spec = await contained.start(['sleep', '1000'], { image: 'knit-test:volume' });
    await contained.until(spec, 'running');
    expect(podman.podman('volume', 'ls', '--quiet')).not.toBe('');
    await contained.workers.remove(spec.name);
    await contained.workers.remove(spec.name);
    expect(await contained.workers.inspect(spec.name)).toEqual({ phase: 'missing' });
    expect(await contained.workers.list()).toEqual([]);
    expect(podman.podman('ps', '--all', '--quiet')).toBe('');
    expect(podman.podman('volume', 'ls', '--quiet')).toBe('');
  });

  it('has time to end by itself when it is stopped', async () => {
    const patient = await Contained.open(podman, { stopGraceSeconds: 30 });
    const spec = await patient.start([
      'sh',
      '-c',
      "trap 'echo kept >/out/file; exit' TERM; : >/out/on; while :; do sleep 0.02; done",
    ]);
    await expect.poll(() => lstatSync(patient.output(spec, 'on'), { throwIfNoEntry: false })).toBeTruthy();
    await patient.workers.remove(spec.name);
    expect(readFileSync(patient.output(spec, 'file'), 'utf8')).toBe('kept\n');
    await patient.close();
  });

  it('tells of each change', async () => {
    const { spec } = await contained.run('exit 0');
    expect(contained.changed).toContain(spec.name);
  });

  it('works with names that have a meaning to mount options, or is refused', async () => {
    const odd = await Contained.open(podman, {}, ' a=b;c');
    const volume = `odd-${randomUUID()}`;
    const path = '/out/ü:a b=c;$HOME';
    const { log, spec } = await odd.run('echo here >"$KNIT_OUT/file"; cat "$KNIT_OUT/file"', {
      outputs: [{ path, volume }],
      env: { KNIT_OUT: path },
    });
    expect(log).toBe('here\n');
    expect(readFileSync(odd.output(spec, 'file'), 'utf8')).toBe('here\n');
    await odd.close();
    await expect(Contained.open(podman, {}, 'a,b')).rejects.toThrow(/Podman .*","/);
    const plan = { inputs: [], resources: {} };
    const refused = () => contained.workers.check({ ...plan, outputs: [{ path: '/out/a,b' }] });
    expect(refused).toThrow(/nothing can be mounted at/);
  });
});
