import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { WorkerSpec } from '@knitfab/engine';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Contained } from './contained.ts';
import { hasPodman, PodmanService } from './podman-service.ts';

describe.skipIf(!hasPodman)('a worker in a container, after its server or its engine has stopped,', () => {
  let podman: PodmanService;
  let contained: Contained;

  beforeAll(async () => {
    podman = await PodmanService.start();
    podman.image('knit-test:v1');
    contained = await Contained.open(podman);
  });
  afterEach(async () => {
    for (const name of await contained.workers.list()) await contained.workers.remove(name);
    expect(podman.podman('ps', '--all', '--quiet')).toBe('');
  });
  afterAll(async () => {
    await contained?.close();
    await podman?.[Symbol.asyncDispose]();
  });

  const untilOff = 'until [ -e /out/off ]; do sleep 0.02; done';
  const off = (spec: WorkerSpec) => writeFileSync(contained.output(spec, 'off'), '');
  const note = (spec: WorkerSpec) => join(contained.directory, 'containers', spec.name, 'worker.json');

  it('goes on, and its end is known to the next server', async () => {
    const spec = await contained.start(['sh', '-c', `echo begun; ${untilOff}; echo ended; exit 5`]);
    await contained.until(spec, 'running');
    await contained.restart();
    expect(await contained.workers.list()).toEqual([spec.name]);
    // Until it has looked at what there is, it can't tell.
    await contained.until(spec, 'running');
    off(spec);
    expect(await contained.until(spec, 'ended')).toMatchObject({ code: 5, execution: { driver: 'docker' } });
    expect(contained.changed).toContain(spec.name);
    await contained.workers.remove(spec.name);
    expect(contained.log(spec)).toBe('begun\nended\n');
  });

  it('that ended while there was none is told of by the next, and not run again', async () => {
    const spec = await contained.start(['sh', '-c', `echo run >>/out/runs; ${untilOff}; exit 6`]);
    await contained.until(spec, 'running');
    off(spec);
    podman.podman('wait', spec.name);
    await contained.restart();
    // Until it has looked at what there is.
    await setTimeout(2000);
    expect(await contained.until(spec, 'ended')).toMatchObject({ code: 6 });
    expect(readFileSync(contained.output(spec, 'runs'), 'utf8')).toBe('run\n');
  });

  it('is started once, at whatever moment of its start that was', async () => {
    for (let round = 0; round < Number(process.env.KNIT_TEST_ROUNDS ?? 4); round++) {
      const specs = await Promise.all(
        Array.from({ length: 3 }, () => contained.start(['sh', '-c', 'echo run >>/out/runs; exit 9'])),
      );
      await contained.restart();
      // The engine asks again for what it does not know to be started.
      for (const spec of specs) await contained.workers.start(spec);
      const ended = await Promise.all(specs.map((spec) => contained.until(spec, 'ended')));
      expect(ended.map(({ code }) => code)).toEqual([9, 9, 9]);
      expect(specs.map((spec) => readFileSync(contained.output(spec, 'runs'), 'utf8'))).toEqual(
        specs.map(() => 'run\n'),
      );
      for (const { name } of specs) await contained.workers.remove(name);
    }
  });

  it('whose container was made and not started, is started by the next server', async () => {
    // As a server leaves it that is killed between the two.
    const spec = await contained.prepare(['sh', '-c', 'exit 4']);
    podman.podman('create', '--name', spec.name, 'knit-test:v1', 'sh', '-c', 'exit 4');
    await contained.workers.start(spec);
    expect(await contained.until(spec, 'ended')).toMatchObject({ code: 4 });
  });

  it.each([
    ['in its log', (spec: WorkerSpec) => join(contained.directory, 'containers', spec.name, 'podman.log')],
    ['in its output', (spec: WorkerSpec) => contained.output(spec, 'file')],
  ])(
    'that has run, as a trace %s shows, is missing and not run again, though its engine holds it for new',
    async (_, trace) => {
      // As Podman leaves it that is killed after the start of a container, before it has noted that.
      const spec = await contained.start(['sleep', '1000']);
      await contained.until(spec, 'running');
      podman.podman('rm', '--force', '--time=0', spec.name);
      podman.podman('create', '--name', spec.name, 'knit-test:v1', 'sh', '-c', 'exit 4');
      writeFileSync(trace(spec), 'begun\n');
      await contained.restart();
      const phase = async () => (await contained.workers.inspect(spec.name)).phase;
      await expect.poll(phase, { timeout: 20_000 }).toBe('missing');
      expect(podman.podman('ps', '--all', '--quiet')).toBe('');
    },
  );

  it('that somebody has removed by hand is missing', async () => {
    const spec = await contained.start(['sleep', '1000']);
    await contained.until(spec, 'running');
    podman.podman('rm', '--force', '--time=0', spec.name);
    await expect.poll(async () => (await contained.workers.inspect(spec.name)).phase).toBe('missing');
  });

  it('that ran when the machine stopped is missing, and one that had ended is not', async () => {
    const ended = await contained.start(['sh', '-c', 'exit 3']);
    await contained.until(ended, 'ended');
    const running = await contained.start(['sleep', '1000']);
    await contained.until(running, 'running');
    podman.podman('kill', running.name);
    podman.podman('wait', running.name);
    for (const spec of [ended, running]) {
      const content = JSON.parse(readFileSync(note(spec), 'utf8'));
      writeFileSync(note(spec), JSON.stringify({ ...content, boot: randomUUID() }));
    }
    expect(await contained.workers.inspect(running.name)).toEqual({ phase: 'missing' });
    expect(await contained.workers.inspect(ended.name)).toMatchObject({ phase: 'ended', code: 3 });
  });

  it('is taken to go on while its engine is gone, and its end is seen when that is back', async () => {
    const spec = await contained.start(['sh', '-c', `${untilOff}; exit 8`]);
    await contained.until(spec, 'running');
    await podman.down('SIGKILL');
    expect(await contained.workers.inspect(spec.name)).toMatchObject({ phase: 'running' });
    await expect(contained.workers.remove(spec.name)).rejects.toThrow(/does not answer/);
    const waiting = await contained.start(['sh', '-c', 'exit 2']);
    await expect
      .poll(async () => JSON.stringify(await contained.workers.inspect(waiting.name)))
      .toMatch(/"pending".*does not answer/);
    off(spec);
    contained.changed.splice(0);
    await podman.up();
    expect(await contained.until(spec, 'ended')).toMatchObject({ code: 8 });
    expect(await contained.until(waiting, 'ended')).toMatchObject({ code: 2 });
    // Without anybody having asked.
    await expect.poll(() => contained.changed, { timeout: 20_000 }).toContain(spec.name);
  }, 60_000);

  it('is removed with its container when nobody knows of it any more', async () => {
    const spec = await contained.start(['sleep', '1000']);
    await contained.until(spec, 'running');
    // As if the data directory had been made anew.
    rmSync(join(contained.directory, 'containers', spec.name), { recursive: true });
    await contained.restart();
    await expect.poll(() => podman.podman('ps', '--all', '--quiet'), { timeout: 20_000 }).toBe('');
  });
});
