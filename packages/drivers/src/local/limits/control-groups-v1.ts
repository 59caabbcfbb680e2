import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount } from '../mount-table.ts';
import {
  canJoin,
  groupAndAncestors,
  ownGroups,
  removeIfUnused,
  rightsAdvice,
  tidyAround,
} from './hierarchy.ts';
import type { LimitControl, LimitGroups, Limits } from './limit-groups.ts';

const controllers = ['memory', 'cpu'] as const;
type Controller = (typeof controllers)[number];

/** The length of the periods in which CPU time is given out, in microseconds: the kernel's own choice. */
const period = 100_000;
/** The least that the kernel accepts. */
const minQuota = 1000;

/** Version 1: each controller has a hierarchy of its own (Linux, Documentation/admin-guide/cgroup-v1). */
export class ControlGroupsV1 implements LimitControl {
  readonly #parents: Partial<Record<Controller, string>>;

  private constructor(parents: Partial<Record<Controller, string>>) {
    this.#parents = parents;
  }

  /** @param name of the group for all workers; undefined when the machine does not use this version */
  static async open(mounts: readonly Mount[], name: string): Promise<ControlGroupsV1 | undefined> {
    const own = await ownGroups();
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

  async create(groups: LimitGroups, { memory = 0, cpu = 0 }: Limits): Promise<void> {
    if (groups.version !== 1) return;
    await Promise.all([
      groups.memory && limitMemory(groups.memory, memory),
      groups.cpu && limitCpu(groups.cpu, cpu),
    ]);
  }

  async tidy(groups: LimitGroups): Promise<void> {
    await tidyAround(groups, Object.values(this.#parents));
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#parents).map(removeIfUnused));
  }
}

/** `memsw` counts what is swapped out as well; it is there only where the kernel keeps count, and must not be the smaller one. */
async function limitMemory(directory: string, bytes: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'memory.limit_in_bytes'), String(Math.ceil(bytes)));
  await writeFile(join(directory, 'memory.memsw.limit_in_bytes'), String(Math.ceil(bytes)), {
    flag: 'r+',
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function limitCpu(directory: string, cores: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'cpu.cfs_period_us'), String(period));
  await writeFile(
    join(directory, 'cpu.cfs_quota_us'),
    String(Math.max(minQuota, Math.round(cores * period))),
  );
}

async function firstUsable(
  places: readonly (string | undefined)[],
  name: string,
): Promise<string | undefined> {
  for (const place of places) {
    if (place === undefined) continue;
    const directory = join(place, name);
    try {
      await mkdir(directory, { recursive: true });
    } catch {
      continue;
    }
    if (await canJoin(directory)) return directory;
    await removeIfUnused(directory);
  }
  return undefined;
}
