import { mkdirSync, readFileSync } from 'node:fs';
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

/** Version 2: one hierarchy for all controllers (Linux, Documentation/admin-guide/cgroup-v2.rst). */
export class ControlGroupsV2 implements LimitControl {
  readonly #parent: string | undefined;
  readonly #available: readonly Controller[];

  private constructor(parent: string | undefined, available: readonly Controller[]) {
    this.#parent = parent;
    this.#available = available;
  }

  /**
   * Finds a place for the workers' groups. It can't be the group of this process: a group with processes hands no controllers to
   * the groups in it ("No Internal Process Constraint"). So it is the nearest one around it that this user may write to, such as
   * the one that systemd has delegated.
   * @param name of the group for all workers
   * @returns undefined when the machine does not use this version
   */
  static async open(mounts: readonly Mount[], name: string): Promise<ControlGroupsV2 | undefined> {
    const mount = mounts.find(({ type }) => type === 'cgroup2');
    if (mount === undefined) return undefined;
    const offered = namesIn(mount.target, 'cgroup.controllers');
    if (!controllers.some((controller) => offered.includes(controller))) return undefined;
    for (const place of groupAndAncestors(mount, ownGroups().get('') ?? '/')) {
      const parent = join(place, name);
      const available = await makeParent(place, parent);
      if (available.length > 0) return new ControlGroupsV2(parent, available);
    }
    return new ControlGroupsV2(undefined, []);
  }

  get lacking(): string | undefined {
    const lacking = controllers.filter((controller) => !this.#available.includes(controller));
    return lacking.length === 0 ? undefined : `${lacking.join(' and ')} not limited: ${rightsAdvice}`;
  }

  groupsFor(worker: string): LimitGroups | undefined {
    return this.#parent === undefined ? undefined : { version: 2, directory: join(this.#parent, worker) };
  }

  create(groups: LimitGroups, { cpu = 0, memory = 0 }: Limits): void {
    if (groups.version !== 2) return;
    const { directory } = groups;
    mkdirSync(directory, { recursive: true });
    if (this.#available.includes('memory') && memory > 0) {
      set(directory, 'memory.max', Math.ceil(memory));
      // All of the worker or nothing: what is left after one process is killed is seldom of use.
      set(directory, 'memory.oom.group', 1);
      set(directory, 'memory.swap.max', 0, true);
    }
    if (this.#available.includes('cpu') && cpu > 0) {
      const { quota, period } = cpuQuota(cpu);
      set(directory, 'cpu.max', `${quota} ${period}`);
    }
  }

  tidy(groups: LimitGroups): void {
    tidyAround(groups, this.#parent === undefined ? [] : [this.#parent]);
  }

  close(): void {
    if (this.#parent !== undefined) removeIfUnused(this.#parent);
  }
}

const namesIn = (group: string, setting: string): string[] =>
  readFileSync(join(group, setting), 'utf8').trim().split(' ');

/** @returns the controllers that groups within the parent will have; none when it can't be made or joined */
async function makeParent(place: string, parent: string): Promise<Controller[]> {
  try {
    mkdirSync(parent, { recursive: true });
  } catch {
    return [];
  }
  for (const controller of controllers) for (const group of [place, parent]) enable(group, controller);
  const enabled = namesIn(parent, 'cgroup.subtree_control');
  const available = controllers.filter((controller) => enabled.includes(controller));
  if (available.length > 0 && (await canJoinChildOf(parent))) return available;
  removeIfUnused(parent);
  return [];
}

/** Hands a controller to the groups within a group, where that is allowed. */
function enable(group: string, controller: Controller): void {
  try {
    set(group, 'cgroup.subtree_control', `+${controller}`);
  } catch {
    // It may be enabled all the same: what is, is looked at afterwards.
  }
}

async function canJoinChildOf(parent: string): Promise<boolean> {
  const child = join(parent, 'trial');
  mkdirSync(child, { recursive: true });
  try {
    return await canJoin(child);
  } finally {
    removeIfUnused(child);
  }
}
