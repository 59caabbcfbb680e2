import { mkdir, readFile, writeFile } from 'node:fs/promises';
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
    const offered = await controllersOf(mount.target);
    if (!controllers.some((controller) => offered.includes(controller))) return undefined;
    for (const place of groupAndAncestors(mount, (await ownGroups()).get('') ?? '/')) {
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

  async create(groups: LimitGroups, { cpu = 0, memory = 0 }: Limits): Promise<void> {
    if (groups.version !== 2) return;
    const { directory } = groups;
    await mkdir(directory, { recursive: true });
    if (this.#available.includes('memory') && memory > 0) {
      await writeFile(join(directory, 'memory.max'), String(Math.ceil(memory)));
      // All of the worker or nothing: what is left after one process is killed is seldom of use.
      await writeFile(join(directory, 'memory.oom.group'), '1');
      await unlessMissing(writeFile(join(directory, 'memory.swap.max'), '0', { flag: 'r+' }));
    }
    if (this.#available.includes('cpu') && cpu > 0) {
      await writeFile(
        join(directory, 'cpu.max'),
        `${Math.max(minQuota, Math.round(cpu * period))} ${period}`,
      );
    }
  }

  async tidy(groups: LimitGroups): Promise<void> {
    await tidyAround(groups, this.#parent === undefined ? [] : [this.#parent]);
  }

  async close(): Promise<void> {
    if (this.#parent !== undefined) await removeIfUnused(this.#parent);
  }
}

const controllersOf = async (group: string): Promise<string[]> =>
  (await readFile(join(group, 'cgroup.controllers'), 'utf8')).trim().split(' ');

/** @returns the controllers that groups within the parent will have; none when it can't be made or joined */
async function makeParent(place: string, parent: string): Promise<Controller[]> {
  try {
    await mkdir(parent, { recursive: true });
  } catch {
    return [];
  }
  for (const group of [place, parent]) {
    for (const controller of controllers) await enable(group, controller);
  }
  const enabled = (await readFile(join(parent, 'cgroup.subtree_control'), 'utf8')).trim().split(' ');
  const available = controllers.filter((controller) => enabled.includes(controller));
  if (available.length > 0 && (await canJoinChildOf(parent))) return available;
  await removeIfUnused(parent);
  return [];
}

/** Hands a controller to the groups within a group, where that is allowed. */
async function enable(group: string, controller: Controller): Promise<void> {
  await writeFile(join(group, 'cgroup.subtree_control'), `+${controller}`).catch(() => {});
}

async function canJoinChildOf(parent: string): Promise<boolean> {
  const child = join(parent, 'trial');
  await mkdir(child, { recursive: true });
  try {
    return await canJoin(child);
  } finally {
    await removeIfUnused(child);
  }
}

async function unlessMissing(written: Promise<void>): Promise<void> {
  await written.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
