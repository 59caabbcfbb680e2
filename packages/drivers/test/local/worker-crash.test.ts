import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { WorkerSpec, WorkerState } from '@knitfab/engine';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Driven, processesWith } from './driven.ts';
import { users } from './users.ts';

describe.each(users)('after a crash, a worker of $name', (user) => {
  let driven: Driven;

  beforeAll(async () => {
    driven = await Driven.open(user, { stopGraceSeconds: 0.5 });
  });
  afterEach(async () => {
    for (const name of await driven.host.call<string[]>('list')) await driven.host.call('remove', name);
  });
  afterAll(() => driven.close());

  const inspect = ({ name }: WorkerSpec) => driven.host.call<WorkerState>('inspect', name);

  /** The process ids of the worker's supervisor and first process. */
  const processesOf = ({ name }: WorkerSpec): { supervisor: number; init: number } => {
    const life = readFileSync(join(driven.directory, 'workers', name, 'life'), 'utf8');
    return {
      supervisor: Number(/^supervisor \S+ (\d+)/m.exec(life)?.[1]),
      init: Number(/^init (\d+)/m.exec(life)?.[1]),
    };
  };
  const parentOf = (pid: number): number =>
    Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

  it('of the server goes on, and its end is known to the next one', async () => {
    const [lasting, short] = await Promise.all([
      driven.start(['sh', '-c', 'while [ ! -e /out/off ]; do sleep 0.02; done; echo lasting; exit 5']),
      driven.start(['sh', '-c', 'sleep 0.05; echo short; exit 6']),
    ]);
    await driven.restart();
    expect(await inspect(lasting)).toMatchObject({ phase: 'running' });
    expect(await driven.host.call('list')).toEqual(expect.arrayContaining([lasting.name, short.name]));
    writeFileSync(join(driven.volume(lasting.outputs[0]?.volume ?? ''), 'off'), '');
    expect(await driven.until(lasting, 'ended')).toMatchObject({ code: 5, execution: { driver: 'local' } });
    expect(await driven.until(short, 'ended')).toMatchObject({ code: 6 });
    expect(driven.read(lasting.log?.volume ?? '', 'log')).toBe('lasting\n');
    expect(await driven.host.call('changed')).toEqual(expect.arrayContaining([lasting.name, short.name]));
  });

  it('of the server can be stopped by the next one', async () => {
    const mark = `knit-mark-${randomUUID()}`;
    const spec = await driven.start([
      'sh',
      '-c',
      `trap 'echo kept >/out/file; exit' TERM; : >/out/on; while :; do sleep 0.02; done # ${mark}`,
    ]);
    const output = driven.volume(spec.outputs[0]?.volume ?? '');
    while (!existsSync(join(output, 'on'))) await setTimeout(5);
    await driven.restart();
    await driven.host.call('remove', spec.name);
    expect(readFileSync(join(output, 'file'), 'utf8')).toBe('kept\n');
    expect(processesWith(mark)).toEqual([]);
  });

  it('of the server at any moment of its start is started once, and as soon as someone asks for it', async () => {
    const rounds = Number(process.env.KNIT_TEST_ROUNDS ?? 2);
    for (let round = 0; round < rounds; round++) {
      const specs = await Promise.all(
        Array.from({ length: 8 }, () =>
          driven.prepare(['sh', '-c', 'echo run >>/out/runs; sleep 0.05; exit 9']),
        ),
      );
      const asked = specs.map((spec) => driven.host.call('start', spec).catch(() => {}));
      await setTimeout(Math.random() * 25);
      await driven.restart();
      await Promise.all(asked);
      // Some run already, some have been asked for without an answer, some never.
      await Promise.all(specs.map((spec) => driven.host.call('start', spec)));
      const ended = await Promise.all(specs.map((spec) => driven.until(spec, 'ended')));
      expect(ended.filter(({ code }) => code !== 9)).toEqual([]);
      expect(specs.map(({ outputs }) => driven.read(outputs[0]?.volume ?? '', 'runs'))).toEqual(
        specs.map(() => 'run\n'),
      );
      await Promise.all(specs.map(({ name }) => driven.host.call('remove', name)));
    }
    expect(readdirSync(join(driven.directory, 'workers'))).toEqual([]);
  });

  it('of the server at any moment of its start is not started once it is removed', async () => {
    const rounds = Number(process.env.KNIT_TEST_ROUNDS ?? 2);
    for (let round = 0; round < rounds; round++) {
      const mark = `knit-mark-${randomUUID()}`;
      const specs = await Promise.all(
        Array.from({ length: 8 }, () => driven.prepare(['sh', '-c', `sleep 1000; : ${mark}`])),
      );
      const asked = specs.map((spec) => driven.host.call('start', spec).catch(() => {}));
      await setTimeout(Math.random() * 25);
      await driven.restart();
      await Promise.all(asked);
      await Promise.all(specs.map(({ name }) => driven.host.call('remove', name)));
      expect(await Promise.all(specs.map(inspect))).toEqual(specs.map(() => ({ phase: 'missing' })));
      expect(processesWith(mark)).toEqual([]);
    }
  });

  it('of its supervisor runs on, and is missing when it has ended', async () => {
    const spec = await driven.start(['sh', '-c', ': >/out/on; while [ ! -e /tmp/off ]; do sleep 0.02; done']);
    await driven.until(spec, 'running');
    process.kill(processesOf(spec).supervisor, 'SIGKILL');
    await setTimeout(50);
    expect(await inspect(spec)).toMatchObject({ phase: 'running' });
    writeFileSync(join(driven.directory, 'workers', spec.name, 'tmp/off'), '');
    while ((await inspect(spec)).phase !== 'missing') await setTimeout(10);
    await driven.host.call('remove', spec.name);
    expect(await driven.host.call('list')).toEqual([]);
  });

  it('of its supervisor can be stopped', async () => {
    const mark = `knit-mark-${randomUUID()}`;
    const spec = await driven.start(['sh', '-c', `sleep 1000; : ${mark}`]);
    await driven.until(spec, 'running');
    process.kill(processesOf(spec).supervisor, 'SIGKILL');
    await driven.host.call('remove', spec.name);
    expect(processesWith(mark)).toEqual([]);
  });

  it.each(['first process', 'way into the namespaces'] as const)(
    'of its %s has ended with all processes',
    async (which) => {
      const mark = `knit-mark-${randomUUID()}`;
      const spec = await driven.start(['sh', '-c', `sleep 1000; : ${mark}`]);
      await driven.until(spec, 'running');
      const { init } = processesOf(spec);
      process.kill(which === 'first process' ? init : parentOf(init), 'SIGKILL');
      expect(await driven.until(spec, 'ended')).toMatchObject({ code: 137, reason: 'Error' });
      expect(processesWith(mark)).toEqual([]);
    },
  );

  it('of the machine is missing, unless it had ended, whatever processes there are by the same numbers', async () => {
    const { spec: ended } = await driven.run('exit 3');
    const spec = await driven.start(['sleep', '1000']);
    await driven.until(spec, 'running');
    const { supervisor, init } = processesOf(spec);
    for (const { name } of [ended, spec]) {
      const life = join(driven.directory, 'workers', name, 'life');
      const before = readFileSync(life, 'utf8');
      writeFileSync(life, before.replace(/^supervisor \S+/m, `supervisor ${randomUUID()}`));
    }
    expect(await inspect(spec)).toEqual({ phase: 'missing' });
    expect(await inspect(ended)).toMatchObject({ phase: 'ended', code: 3 });
    for (const pid of [supervisor, init]) process.kill(pid, 'SIGKILL');
  });

  it('of the server is started once, also when it was asked for long ago', async () => {
    const spec = await driven.prepare(['sh', '-c', 'echo run >>/out/runs; sleep 0.1; exit 9']);
    await driven.run('exit 0');
    const [launcher = 0] = processesWith(join(driven.directory, 'scripts/launcher'));
    process.kill(launcher, 'SIGSTOP');
    const asked = driven.host.call('start', spec).catch(() => {});
    while (!existsSync(join(driven.directory, 'workers', spec.name, 'fstab'))) await setTimeout(5);
    await setTimeout(20);
    await driven.restart();
    await asked;
    await driven.host.call('start', spec);
    process.kill(launcher, 'SIGCONT');
    expect(await driven.until(spec, 'ended')).toMatchObject({ code: 9 });
    await setTimeout(50);
    expect(driven.read(spec.outputs[0]?.volume ?? '', 'runs')).toBe('run\n');
  });

  it('of what launches workers is started by another', async () => {
    await driven.run('exit 0');
    const [launcher] = processesWith(join(driven.directory, 'scripts/launcher'));
    process.kill(launcher ?? 0, 'SIGKILL');
    await setTimeout(20);
    expect(await driven.run('exit 4')).toMatchObject({ code: 4 });
  });
});
