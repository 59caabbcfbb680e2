import { readdirSync } from 'node:fs';
import { Unavailable } from '@knitfab/core';
import type { FstabLine } from './fstab.ts';
import type { Machine } from './machine.ts';
import { isBelow, type Mount, parseMountTable, readMountTable } from './mount-table.ts';
import type { Places } from './places.ts';
import { rootFileSystem } from './root-file-system.ts';
import { openSkeleton } from './skeleton.ts';
import type { Trial } from './trial.ts';
import type { View } from './worker-mounts.ts';

type MachineFacts = Omit<Machine, 'mounts' | 'topLevel'>;

/** What workers see of the machine, kept up with what is mounted on it. */
export class Views {
  readonly #facts: MachineFacts;
  readonly #places: Places;
  readonly #devices: readonly FstabLine[];
  readonly #trial: Trial;
  #seen = '';
  #view: Promise<View> | undefined;
  #last: View | undefined;

  constructor(facts: MachineFacts, places: Places, devices: readonly FstabLine[], trial: Trial) {
    this.#facts = facts;
    this.#places = places;
    this.#devices = devices;
    this.#trial = trial;
  }

  /** The view at this moment; it is tried out anew only when mounts, or the entries of `/`, have changed. */
  async current(): Promise<View> {
    const table = readMountTable();
    const topLevel = this.#facts.isRoot ? [] : readdirSync('/', { withFileTypes: true });
    const seen = [table, ...topLevel.map(({ name }) => name)].join('\n');
    if (this.#view === undefined || this.#seen !== seen) {
      this.#seen = seen;
      this.#view = this.#tryOut({ ...this.#facts, mounts: parseMountTable(table), topLevel });
      this.#view.catch(() => {
        this.#seen = '';
      });
    }
    this.#last = await this.#view;
    return this.#last;
  }

  /** The machine as it was last looked at. */
  get machine(): Machine {
    if (this.#last === undefined) throw new Error('no view has been taken yet');
    return this.#last.root.machine;
  }

  async #tryOut(machine: Machine): Promise<View> {
    const skeleton = machine.isRoot ? '' : await openSkeleton(this.#places, machine.topLevel);
    const root = rootFileSystem(machine, this.#places, this.#devices);
    const complaints: string[] = [];
    for (const scratch of ['disk', 'memory'] as const) {
      const result = await this.#possible({ root, skeleton, scratch });
      if ('view' in result) return result.view;
      complaints.push(result.complaints);
    }
    throw new Unavailable({
      reason: `the file systems of a worker can't be mounted: ${complaints[0]}`,
      advice:
        'Workers of ordinary users need Linux 5.11 or newer; in a container, start it with --privileged, or the server outside of it.',
    });
  }

  /** The view without the mounts that can't be had, such as those of other users' FUSE file systems. */
  async #possible(view: View): Promise<{ view: View } | { complaints: string }> {
    const { mounts, complaints } = await this.#trial.mount(view);
    const seen = new Map(mounts?.map((mount) => [mount.target, mount]));
    const at = (target: string) => seen.get(`${this.#places.root}${target === '/' ? '' : target}`);
    const { root } = view;
    if (at('/')?.type !== 'overlay' || root.above.some((line) => !isDone(line, at(line.target)))) {
      return { complaints };
    }
    const layers = root.layers.filter((directory) => at(directory)?.type === 'overlay');
    const beneath = this.#doable(
      root.beneath,
      (line) => layers.includes(line.target) || isDone(line, at(line.target)),
      at,
    );
    return { view: { ...view, root: { ...root, beneath, layers } } };
  }

  /** What can't be mounted is left out, and what can't be made read-only is hidden; either with all that is below it. */
  #doable(
    lines: readonly FstabLine[],
    isDone: (line: FstabLine) => boolean,
    at: (target: string) => Mount | undefined,
  ): FstabLine[] {
    const given: string[] = [];
    return lines.flatMap((line) => {
      if (given.some((directory) => isBelow(line.target, directory))) return [];
      if (isDone(line)) return [line];
      given.push(line.target);
      if (at(line.target) === undefined) return [];
      return [{ ...line, source: this.#places.empty, options: ['bind', 'ro'] }];
    });
  }
}

const isDone = (line: FstabLine, mount: Mount | undefined): boolean =>
  mount !== undefined && (!line.options.includes('ro') || mount.options.includes('ro'));
