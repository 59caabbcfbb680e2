import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type MachineDrivers, openMachineDrivers } from '../../src/index.ts';

const plan = { inputs: [], outputs: [], args: ['true'], resources: {} };

describe('the drivers of a machine without a container engine', () => {
  let directory: string;
  let drivers: MachineDrivers | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'knit-machine-'));
    vi.stubEnv('DOCKER_HOST', `unix://${directory}/nothing.sock`);
  });
  afterEach(async () => {
    await drivers?.close();
    drivers = undefined;
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });

  const places = () => ({ directory: join(directory, 'local'), containers: join(directory, 'containers') });

  it('run programs of the machine, and say of others what they need', async () => {
    drivers = await openMachineDrivers({ ...places(), driver: 'auto' });
    const { workers } = drivers;
    expect(drivers.engine).toBeUndefined();
    expect(() => workers.check({ ...plan, image: { repository: 'host', tag: 'v1' } })).not.toThrow();
    expect(() => workers.check({ ...plan, image: { repository: 'hosted/tool', tag: 'v1' } })).toThrow(
      /needs a container engine, and .*nothing\.sock does not answer.*\n.*Start Docker, or Podman/,
    );
    expect(await workers.inspect('worker-run-nothing')).toEqual({ phase: 'missing' });
    await workers.remove('worker-run-nothing');
  });

  it('are not opened when containers were asked for', async () => {
    await expect(openMachineDrivers({ ...places(), driver: 'docker' })).rejects.toThrow(/does not answer/);
  });

  it('are not opened while Runs are under way in containers, lest those be taken for lost', async () => {
    mkdirSync(join(places().containers, 'worker-run-x'), { recursive: true });
    await expect(openMachineDrivers({ ...places(), driver: 'auto' })).rejects.toThrow(
      /Runs are under way in containers/,
    );
    drivers = await openMachineDrivers({ ...places(), driver: 'local' });
    expect(drivers.engine).toBeUndefined();
  });

  it('do not mind an engine of another machine that DOCKER_HOST names for others', async () => {
    vi.stubEnv('DOCKER_HOST', 'ssh://somebody@elsewhere');
    drivers = await openMachineDrivers({ ...places(), driver: 'auto' });
    expect(drivers.engine).toBeUndefined();
  });
});
