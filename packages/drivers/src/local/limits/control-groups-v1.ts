import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Mount } from '../mount-table.ts';
import {
  canJoin,
  cpuQuota,
  groupAndAncestors,
  ownGroups,
  removeIfUnused,
  rightsAdvice,
  set,
  tidyAround,
} from './hierarchy.ts';
import type { LimitControl, LimitGroups, Limits } from './limit-groups.ts';

const controllers = ['memory', 'cpu'] as const;
type Controller = (typeof controllers)[number];

/** Version 1: each controller has a hierarchy of its own (Linux, Documentation/admin-guide/cgroup-v1). */
export class ControlGroupsV1 implements LimitControl {
  readonly #parents: Partial<Record<Controller, string>>;

  private constructor(parents: Partial<Record<Controller, string>>) {
    this.#parents = parents;
  }

  /** @param name of the group for all workers; undefined when the machine does not use this version */
  static async open(mounts: readonly Mount[], name: string): Promise<ControlGroupsV1 | undefined> {
    const own = ownGroups();
    const parents: Partial<Record<Controller, string>> = {};
    let isUsed = false;
    for (const controller of controllers) {
      const mount = mounts.find(
        ({ type, fileSystemOptions }) => type === 'cgroup' && fileSystemOptions.includes(controller),
      );
      if (mount === undefined) continue;
      isUsed = true;
      const places = groupAndAncestors(mount, own.get(controller) ?? '/');
      const parent = await firstUsable([...new Set([places[0], mount.target])], name);
      if (parent !== undefined) parents[controller] = parent;
    }
    return isUsed ? new ControlGroupsV1(parents) : undefined;
  }

  get lacking(): string | undefined {
    const lacking = controllers.filter((controller) => this.#parents[controller] === undefined);
    return lacking.length === 0 ? undefined : `${lacking.join(' and ')} not limited: ${rightsAdvice}`;
  }

  groupsFor(worker: string, limits: Limits): LimitGroups | undefined {
    const directories = controllers.flatMap((controller) => {
      const parent = this.#parents[controller];
      return parent === undefined || !limits[controller] ? [] : [[controller, join(parent, worker)]];
    });
    return directories.length === 0 ? undefined : { version: 1, ...Object.fromEntries(directories) };
  }

  create(groups: LimitGroups, { memory = 0, cpu = 0 }: Limits): void {
    if (groups.version !== 1) return;
    if (groups.memory !== undefined) limitMemory(groups.memory, Math.ceil(memory));
    if (groups.cpu !== undefined) limitCpu(groups.cpu, cpu);
  }

  tidy(groups: LimitGroups): void {
    tidyAround(groups, Object.values(this.#parents));
  }

  close(): void {
    for (const parent of Object.values(this.#parents)) removeIfUnused(parent);
  }
}

/** `memsw` counts what is swapped out as well; it is there only where the kernel keeps count, and must not be the smaller one. */
function limitMemory(group: string, bytes: number): void {
  mkdirSync(group, { recursive: true });
  set(group, 'memory.limit_in_bytes', bytes);
  set(group, 'memory.memsw.limit_in_bytes', bytes, true);
}

function limitCpu(group: string, cores: number): void {
  mkdirSync(group, { recursive: true });
  set(group, 'cpu.cfs_quota_us', cpuQuota(cores).quota);
}

async function firstUsable(
  places: readonly (string | undefined)[],
  name: string,
): Promise<string | undefined> {
  for (const place of places) {
    if (place === undefined) continue;
    const directory = join(place, name);
    try {
      mkdirSync(directory, { recursive: true });
    } catch {
      continue;
    }
    if (await canJoin(directory)) return directory;
    removeIfUnused(directory);
  }
  return undefined;
}
