import {
  checkDisjoint,
  formatImage,
  type Image,
  Invalid,
  parseQuantity,
  type Resources,
} from '@knitfab/core';
import type { Capacity } from '@knitfab/engine';
import type { Machine } from './machine.ts';
import { mountPoint } from './mount-point.ts';
import { maxArgumentBytes } from './worker-file.ts';

/** The one repository of images that this driver runs: the machine itself. */
const host = 'host';

/** @throws {Invalid} for any image but `host:TAG` */
export function checkImage(image: Image): void {
  if (image.repository === host) return;
  throw new Invalid({
    reason: `the image ${formatImage(image)} can't run here: this server runs code on the machine itself, without containers`,
    advice:
      'Use the image host:TAG, where TAG is your own version of the code. Containers need Docker, Podman or Kubernetes, and a server that is set up for them.',
  });
}

/**
 * What is executed: there is no image with a command of its own that could be left out.
 * @throws {Invalid} when there is nothing, or a word is too long for any command line
 */
export function checkedCommand(plan: {
  readonly entrypoint?: readonly string[];
  readonly args?: readonly string[];
}): [string, ...string[]] {
  const [program, ...args] = [...(plan.entrypoint ?? []), ...(plan.args ?? [])];
  if (program === undefined || program === '') {
    throw new Invalid({
      reason: 'the plan names no program, and the image host has none of its own',
      advice: 'Give entrypoint or args, such as args: ["python3", "/in/code/train.py"].',
    });
  }
  if ([program, ...args].some((word) => Buffer.byteLength(word) > maxArgumentBytes)) {
    throw new Invalid({
      reason: `entrypoint or args hold a word of more than ${maxArgumentBytes} bytes, which no command line can carry`,
      advice: 'Put it into a file of an input.',
    });
  }
  return [program, ...args];
}

/** @throws {Invalid} for resources that this machine does not have, or that can't be allotted to a worker */
export function checkResources(resources: Resources, capacity: Capacity): void {
  for (const [name, quantity] of Object.entries(resources)) {
    const amount = parseQuantity(quantity);
    if (name !== 'cpu' && name !== 'memory') {
      throw new Invalid({
        reason: `the resource ${name} can't be allotted here: this server knows cpu and memory only`,
        advice: `Leave ${name} out: workers see the graphics cards and disks that the machine has, and share them.`,
      });
    }
    if (amount > capacity[name]) {
      throw new Invalid({
        reason: `the plan asks for ${name} ${quantity}, and this machine has ${name === 'cpu' ? capacity.cpu : gibibytes(capacity.memory)}`,
        advice: 'Ask for less.',
      });
    }
  }
}

/** Bytes as a quantity that people compare with theirs: `23.5Gi`. */
const gibibytes = (bytes: number): string => `${Math.floor((bytes / 2 ** 30) * 10) / 10}Gi`;

/**
 * Where the Plan's paths are in a worker's root file system.
 * @throws {Invalid} for paths where nothing can be mounted, or of which two are the same place
 */
export function checkPaths(machine: Machine, paths: readonly string[]) {
  const points = paths.map((path) => mountPoint(machine, path));
  checkDisjoint(points.map(({ path }) => path));
  return points;
}
