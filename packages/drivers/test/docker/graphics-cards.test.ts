import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlanId, RunId } from '@knitfab/core';
import type { WorkerSpec } from '@knitfab/engine';
import { describe, expect, it } from 'vitest';
import { checkContainerResources } from '../../src/docker/check-plan.ts';
import { containerSpec } from '../../src/docker/container-spec.ts';
import { GraphicsCards, machineGraphicsCards } from '../../src/docker/graphics-cards.ts';

const never = new AbortController().signal;
const has = { cpu: 4, memory: 2 ** 30, graphicsCards: 2 };

// There is no machine with such cards to try it on: what is asked of the engine is compared with its documentation.
describe('graphics cards', () => {
  it('are those that have device files', () => {
    const devices = mkdtempSync(join(tmpdir(), 'knit-devices-'));
    for (const name of ['nvidia1', 'nvidia0', 'nvidiactl', 'nvidia-uvm'])
      writeFileSync(join(devices, name), '');
    mkdirSync(join(devices, 'nvidia-caps'));
    expect(machineGraphicsCards(devices)).toEqual([0, 1]);
    expect(machineGraphicsCards(join(devices, 'nothing'))).toEqual([]);
    rmSync(devices, { recursive: true });
  });

  it('are each of one worker at a time, first come first served', async () => {
    const cards = new GraphicsCards([0, 1, 2]);
    const given: string[] = [];
    const take = (worker: string, count: number) =>
      cards.take(worker, count, never).then((numbers) => given.push(`${worker}: ${numbers}`));
    const asked = [take('a', 2), take('b', 2), take('c', 1)];
    await asked[0];
    expect(given).toEqual(['a: 0,1']);
    cards.release('a');
    await Promise.all(asked);
    expect(given).toEqual(['a: 0,1', 'b: 0,1', 'c: 2']);
  });

  it('are not waited for by a worker that is given up', async () => {
    const cards = new GraphicsCards([0]);
    await cards.take('a', 1, never);
    const givingUp = new AbortController();
    const waiting = cards.take('b', 1, givingUp.signal);
    const next = cards.take('c', 1, never);
    givingUp.abort();
    await expect(waiting).rejects.toThrow();
    cards.release('a');
    expect(await next).toEqual([0]);
  });

  it('are refused in parts, and when there are not so many', () => {
    expect(() => checkContainerResources({ 'nvidia.com/gpu': '2' }, has)).not.toThrow();
    expect(() => checkContainerResources({ 'nvidia.com/gpu': '3' }, has)).toThrow(/this machine has 2/);
    expect(() => checkContainerResources({ 'nvidia.com/gpu': '500m' }, has)).toThrow(/given out whole/);
    expect(() => checkContainerResources({ 'amd.com/gpu': '1' }, has)).toThrow(/can't be allotted here/);
  });

  it('are asked for as Docker (--gpus) and Podman (CDI) have it', () => {
    const spec: WorkerSpec = {
      name: 'worker-run-x',
      runId: 'x' as RunId,
      planId: 'y' as PlanId,
      image: 'a:1',
      inputs: [],
      outputs: [],
      resources: {},
      onNode: {},
      env: {},
    };
    const common = {
      spec,
      imageId: 'sha256:0',
      server: 's',
      network: undefined,
      isLimited: true,
      hasSelinux: false,
    };
    const parts = { ...common, directoryOf: String, graphicsCards: [1], podmanLog: '/log' };
    expect(containerSpec({ ...parts, isPodman: false })).toMatchObject({
      HostConfig: { DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: ['1'], Capabilities: [['gpu']] }] },
    });
    expect(containerSpec({ ...parts, isPodman: true })).toMatchObject({
      HostConfig: { DeviceRequests: [{ Driver: 'cdi', DeviceIDs: ['nvidia.com/gpu=1'] }] },
    });
  });
});
