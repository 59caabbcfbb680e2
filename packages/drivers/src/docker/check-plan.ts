import { Invalid, parseQuantity, type Resources, Unavailable } from '@knitfab/core';
import type { Capacity } from '@knitfab/engine';

/** The resource that stands for graphics cards, as NVIDIA's device plugin for Kubernetes calls it. */
export const graphicsCardResource = 'nvidia.com/gpu';

/** What there is to allot. */
export interface Allotment extends Capacity {
  readonly graphicsCards: number;
}

/** How many graphics cards are asked for. */
export const graphicsCardsOf = (resources: Resources): number =>
  parseQuantity(resources[graphicsCardResource] ?? '0');

/** @throws {Invalid} for resources that this machine does not have, or that can't be allotted to a container */
export function checkContainerResources(resources: Resources, has: Allotment): void {
  for (const [name, quantity] of Object.entries(resources)) {
    const amount = parseQuantity(quantity);
    const all = { cpu: has.cpu, memory: has.memory, [graphicsCardResource]: has.graphicsCards }[name];
    if (all === undefined) {
      throw new Invalid({
        reason: `the resource ${name} can't be allotted here: this server knows cpu, memory and ${graphicsCardResource} only`,
        advice: `Leave ${name} out.`,
      });
    }
    if (name === graphicsCardResource && !Number.isInteger(amount))
      throw new Invalid(`${name} is ${quantity}, and graphics cards are given out whole`);
    if (amount > all) {
      throw new Invalid({
        reason: `the plan asks for ${name} ${quantity}, and this machine has ${all}${name === 'memory' ? ' bytes' : ''}`,
        advice: 'Ask for less.',
      });
    }
  }
}

/** Paths that every container has for itself, in which nothing else can be mounted (OCI runtime specification, "Default Filesystems"). */
const containersOwn = ['/proc', '/sys', '/dev'];

/** What Podman takes for the end of a name in the description of a mount. */
const podmanSeparators = /[,"]/;

/** @throws {Invalid} for a path at which no volume can be mounted */
export function checkContainerPaths(paths: readonly string[], isPodman: boolean): void {
  const bad = paths.find(
    (path) =>
      path === '/' ||
      containersOwn.some((own) => path === own || path.startsWith(`${own}/`)) ||
      (isPodman && podmanSeparators.test(path)),
  );
  if (bad === undefined) return;
  throw new Invalid({
    reason: `nothing can be mounted at ${bad} in a container`,
    advice: 'Use a path of your own, such as /in/data or /out/model, of letters and digits.',
  });
}

/**
 * Podman hands the names of directories on in ways that not all names survive: lists of options, and the command line of conmon,
 * which may have no locale.
 * @throws {Unavailable} when it can't mount volumes in this directory
 */
export function checkPodmanDirectory(directory: string): void {
  const bad = /[^ -~]|[,:"\\]/.exec(directory)?.[0];
  if (bad === undefined) return;
  throw new Unavailable({
    reason: `Podman can't use directories in ${directory}, for the "${bad}" in its name`,
    advice: 'Choose another with --data-dir DIR.',
  });
}
