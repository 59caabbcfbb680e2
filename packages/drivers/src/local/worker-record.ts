import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Execution } from '@knitfab/engine';
import type { LimitGroups } from './limits/limit-groups.ts';
import { type ProcessIdentity, parseProcessStat } from './process-identity.ts';

/** What the driver itself keeps of a worker, written before the worker is launched. */
export interface WorkerNote {
  readonly execution: Execution;
  readonly groups?: LimitGroups;
}

/** Who has claimed a worker. */
export type Claim =
  | { readonly by: 'supervisor'; readonly process: ProcessIdentity; readonly boot: string }
  | { readonly by: 'driver' };

/** How far a worker's first process has come. */
export interface Init {
  readonly process: ProcessIdentity;
  /** When the command was started; undefined before. */
  readonly runningSince?: Date;
}

/**
 * The files of one worker; worker-script.ts says who writes them. They are few and small, and read from memory as a rule: that takes
 * some microseconds, but twenty times as much when another thread does it (measured).
 */
export class WorkerRecord {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  writeNote(note: WorkerNote): void {
    writeFileSync(join(this.directory, 'note.json'), JSON.stringify(note));
  }

  get note(): WorkerNote | undefined {
    try {
      return JSON.parse(this.#read('note.json') ?? '') as WorkerNote;
    } catch {
      return undefined; // cut off by a crash before the worker was launched, or by a power cut
    }
  }

  /** When someone began to claim the worker; undefined before. */
  get claimedAt(): Date | undefined {
    return this.#time('claim');
  }

  /** Sees to it that no supervisor will ever take the worker; does nothing when one has. */
  claimForRemoval(): void {
    try {
      writeFileSync(join(this.directory, 'claim'), 'driver\n', { flag: 'wx' });
    } catch (error) {
      if (!['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  /** Undefined without a claim, and for the moment in which one is being written. */
  get claim(): Claim | undefined {
    const text = this.#read('claim') ?? '';
    if (text === 'driver\n') return { by: 'driver' };
    const [, boot = '', rest = ''] = /^(\S+) (.*)\n$/s.exec(text) ?? [];
    const process = parseProcessStat(rest);
    return process && { by: 'supervisor', process, boot };
  }

  get init(): Init | undefined {
    const text = this.#read('init') ?? '';
    const process = parseProcessStat(text.split('\n')[0] ?? '');
    if (process === undefined) return undefined;
    const runningSince = text.endsWith('\nrunning\n') ? this.#time('init') : undefined;
    return runningSince === undefined ? { process } : { process, runningSince };
  }

  /** When the last process of the worker had ended; undefined before. */
  get endedAt(): Date | undefined {
    return this.#time('ended');
  }

  /** The exit code of the command; `isStartError` when it could not be started. Undefined when it was killed before it had one. */
  get code(): { code: number; isStartError: boolean } | undefined {
    const match = /^(\d+)( StartError)?\n/.exec(this.#read('code') ?? '');
    return match === null ? undefined : { code: Number(match[1]), isStartError: match[2] !== undefined };
  }

  /** What the programs that prepare the worker have complained of. */
  get errors(): string {
    return (this.#read('errors') ?? '').trim();
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(join(this.directory, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #time(name: string): Date | undefined {
    return statSync(join(this.directory, name), { throwIfNoEntry: false })?.mtime;
  }
}
