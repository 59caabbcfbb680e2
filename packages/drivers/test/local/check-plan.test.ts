import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { definePlan, type PlanInput, parseTag } from '@knitfab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLocalDrivers, type LocalDrivers } from '../../src/index.ts';
import { isCheckoutHidden, temporaryDirectory, users } from './users.ts';

const [user] = users as [(typeof users)[number]];

describe('a Plan', () => {
  const place = temporaryDirectory(user, import.meta.dirname);
  const links = temporaryDirectory(user, import.meta.dirname);
  let drivers: LocalDrivers;

  beforeAll(async () => {
    drivers = await createLocalDrivers({ directory: place.path });
    symlinkSync('/proc', join(links.path, 'to-proc'));
    symlinkSync('../../../../../../../../dev', join(links.path, 'to-dev'));
    symlinkSync('loop', join(links.path, 'loop'));
    symlinkSync('missing/below', join(links.path, 'dangling'));
    mkdirSync(join(links.path, 'real'));
    symlinkSync('real', join(links.path, 'link'));
    writeFileSync(join(links.path, 'file'), '');
  });
  afterAll(async () => {
    await drivers.close();
    await place.remove();
    await links.remove();
  });

  const check = (parts: Partial<PlanInput>) => () => {
    const tags = [parseTag('a:b')];
    const plan = definePlan({ image: 'host:v1', args: ['true'], inputs: [{ path: '/in', tags }], ...parts });
    drivers.workers.check(plan);
  };
  const inputsAt = (...paths: string[]) => ({
    inputs: paths.map((path) => ({ path, tags: [parseTag('a:b')] })),
  });

  it('is accepted with the image host and something to execute', () => {
    expect(check({})).not.toThrow();
    expect(check({ image: 'host', entrypoint: ['python3'], args: null })).not.toThrow();
  });

  it.each(['python:3.12', 'registry.example.com/host:v1', 'host/x:v1', 'localhost:5000/host:v1'])(
    'of the image %s is refused with the advice to use what runs containers',
    (image) => {
      expect(check({ image })).toThrow(/can't run here.*Docker, Podman or Kubernetes/s);
    },
  );

  it('without a command is refused, as the machine has none of its own', () => {
    expect(check({ args: [] })).toThrow(/names no program.*entrypoint or args/s);
    expect(check({ entrypoint: [''] })).toThrow(/names no program/);
  });

  it('with a word that no command line can carry is refused', () => {
    expect(check({ args: ['true', 'x'.repeat(131_071)] })).not.toThrow();
    expect(check({ args: ['true', 'x'.repeat(131_072)] })).toThrow(/131071 bytes/);
  });

  it('that asks for more than the machine has is refused', () => {
    expect(check({ resources: { cpu: String(availableParallelism()) } })).not.toThrow();
    expect(check({ resources: { cpu: String(availableParallelism() + 1) } })).toThrow(/asks for cpu/);
    expect(check({ resources: { memory: String(2 * totalmem()) } })).toThrow(/asks for memory/);
  });

  it.each(['nvidia.com/gpu', 'ephemeral-storage'])('that asks for %s is refused with the reason', (name) => {
    expect(check({ resources: { [name]: '1' } })).toThrow(/cpu and memory only/);
  });

  it.each([
    '/proc',
    '/proc/x',
    '/sys/fs',
    '/dev',
    '/dev/shm',
    '/usr',
    '/usr/bin',
    '/bin',
    '/lib',
    '/usr/lib64',
    '/etc',
  ])('with an input at %s is refused', (path) => {
    expect(check(inputsAt(path))).toThrow(/Use another path/);
  });

  it('with an output in the server’s own directory is refused', () => {
    const outputs = [{ path: join(place.path, 'volumes/x'), tags: [parseTag('a:b')] }];
    expect(check({ outputs })).toThrow(/data directory of this server/);
  });

  it.skipIf(isCheckoutHidden)('with paths that lead through links is judged by where they lead', () => {
    expect(check(inputsAt(join(links.path, 'to-proc/1')))).toThrow(/which is \/proc\/1/);
    expect(check(inputsAt(join(links.path, 'to-dev/x')))).toThrow(/which is \/dev\/x/);
    expect(check(inputsAt(join(links.path, 'loop/x')))).toThrow(/too many symbolic links/);
    expect(check(inputsAt(join(links.path, 'file')))).toThrow(/is not a directory/);
    expect(check(inputsAt(join(links.path, 'file/x')))).toThrow(/is not a directory/);
    expect(check(inputsAt(join(links.path, 'dangling/x')))).not.toThrow();
    expect(check(inputsAt(join(links.path, 'link/a'), join(links.path, 'real/b')))).not.toThrow();
    expect(check(inputsAt(join(links.path, 'link/a'), join(links.path, 'real/a')))).toThrow(/used twice/);
    expect(check(inputsAt(join(links.path, 'link'), join(links.path, 'real/a')))).toThrow(/lies inside/);
  });
});
