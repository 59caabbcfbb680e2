import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Execution, WorkerSpec } from '@knitfab/engine';

/** What this driver keeps of a worker; the rest is for the engine to tell. */
export interface WorkerNote {
  readonly spec: WorkerSpec;
  /** The start of the machine in which the worker was begun. */
  readonly boot: string;
  /** Whether the engine may have been asked to start the container: it is never made a second time. */
  readonly isStarted: boolean;
  /** Numbers of the graphics cards that are the worker's. */
  readonly graphicsCards: readonly number[];
  readonly digests?: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

/** How a worker ended, as it was first seen: the engine may forget. */
export interface WorkerEnding {
  readonly code: number;
  readonly reason: string;
  readonly cause?: 'error' | 'lost';
  readonly execution: Execution;
}

/** The files of one worker: they are there from its start until it is removed, whatever the engine does. */
export class WorkerRecord {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Undefined when there is no such worker. */
  get note(): WorkerNote | undefined {
    return this.#read<WorkerNote>('worker.json');
  }

  /** Undefined until the end has been seen. */
  get ending(): WorkerEnding | undefined {
    return this.#read<WorkerEnding>('ending.json');
  }

  /** Where Podman writes what the container writes (see container-log/). */
  get podmanLog(): string {
    return join(this.directory, 'podman.log');
  }

  begin(note: WorkerNote): void {
    mkdirSync(this.directory, { recursive: true });
    // Before the note: a worker with a note has it all.
    writeFileSync(this.podmanLog, '');
    this.#write('worker.json', note);
  }

  change(part: Partial<WorkerNote>): WorkerNote | undefined {
    const { note } = this;
    if (note === undefined) return undefined;
    const changed = { ...note, ...part };
    this.#write('worker.json', changed);
    return changed;
  }

  end(ending: WorkerEnding): void {
    this.#write('ending.json', ending);
  }

  #write(name: string, content: object): void {
    const file = join(this.directory, name);
    writeFileSync(`${file}.new`, JSON.stringify(content));
    renameSync(`${file}.new`, file);
  }

  #read<Content>(name: string): Content | undefined {
    try {
      return JSON.parse(readFileSync(join(this.directory, name), 'utf8')) as Content;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}
