import { accessSync, constants, readdirSync } from 'node:fs';
import { Unavailable } from '@knitfab/core';
import type { FstabLine } from './fstab.ts';
import type { Machine } from './machine.ts';
import { isBelow, type Mount, parseMountTable, readMountTable } from './mount-table.ts';
import type { Places } from './places.ts';
import { type RootFileSystem, rootFileSystem } from './root-file-system.ts';
import { openSkeleton } from './skeleton.ts';
import type { Trial } from './trial.ts';

type MachineFacts = Omit<Machine, 'mounts' | 'topLevel'>;

/** What workers see of the machine, kept up with what is mounted on it. */
export class Views {
  readonly #facts: MachineFacts;
  readonly #places: Places;
  readonly #devices: readonly FstabLine[];
  readonly #trial: Trial;
  #seen = '';
  #view: Promise<RootFileSystem> | undefined;
  #last: RootFileSystem | undefined;

  constructor(facts: MachineFacts, places: Places, devices: readonly FstabLine[], trial: Trial) {
    this.#facts = facts;
    this.#places = places;
    this.#devices = devices;
    this.#trial = trial;
  }

  /**
   * The root file system of a worker that starts now; it is tried out anew when mounts, or the entries of `/`, have changed.
   * @throws {Unavailable} when it can't be mounted
   */
  async current(): Promise<RootFileSystem> {
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
    return this.#last.machine;
  }

  async #tryOut(machine: Machine): Promise<RootFileSystem> {
    const skeleton = machine.isRoot ? undefined : await openSkeleton(this.#places, machine.topLevel);
    return await this.#possible(rootFileSystem(machine, skeleton, this.#places, this.#devices));
  }

  /**
   * The parts of a root file system that can be had: some file systems can't have layers over them, and others, such as other users'
   * FUSE file systems, can't be seen.
   */
  async #possible(whole: RootFileSystem): Promise<RootFileSystem> {
    const { mounts, complaints } = await this.#trial.mount(whole);
    const seen = new Map(mounts.map((mount) => [mount.target, mount]));
    const at = (target: string) => seen.get(`${this.#places.root}${target === '/' ? '' : target}`);
    const isDone = (line: FstabLine) => isMounted(line, at(line.target));
    if (at('/')?.type !== 'overlay' || !whole.above.every(isDone)) {
      throw cannotMount(whole.machine, complaints);
    }
    const layers = whole.layers.filter((directory) => at(directory)?.type === 'overlay');
    if (layers.length < whole.layers.length) return await this.#possible({ ...whole, layers });
    const isDoneOrCovered = (line: FstabLine) => layers.includes(line.target) || isDone(line);
    return { ...whole, beneath: this.#doable(whole.beneath, isDoneOrCovered, at) };
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
      if (at(line.target) === undefined || !isReachable(line.target)) return [];
      return [{ ...line, source: this.#places.empty, options: ['bind', 'ro'] }];
    });
  }
}

/** What lies in a directory that this user may not enter needs no hiding, and can't be hidden. */
const isReachable = (path: string): boolean => {
  try {
    accessSync(path, constants.F_OK);
    return true;
  } catch {
    return false;
  }
};

const isMounted = (line: FstabLine, mount: Mount | undefined): boolean =>
  mount !== undefined && (!line.options.includes('ro') || mount.options.includes('ro'));

const cannotMount = ({ isRoot }: Machine, complaints: string): Unavailable =>
  new Unavailable({
    reason: `the root file system of a worker can't be mounted: ${complaints}`,
    advice: isRoot
      ? 'In a container, start it with --privileged, or the server outside of it.'
      : 'Start the server as root, or with Linux 5.11 or newer; in a container, start it with --privileged.',
  });
