import { readFile, stat, writeFile } from 'node:fs/promises';
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

/** The files of one worker; worker-script.ts says who writes them. */
export class WorkerRecord {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  async writeNote(note: WorkerNote): Promise<void> {
    await writeFile(join(this.directory, 'note.json'), JSON.stringify(note));
  }

  async note(): Promise<WorkerNote | undefined> {
    const text = await this.#read('note.json');
    try {
      return JSON.parse(text ?? '') as WorkerNote;
    } catch {
      return undefined; // cut off by a crash before the worker was launched, or by a power cut
    }
  }

  /** When someone began to claim the worker; undefined before. */
  claimedAt(): Promise<Date | undefined> {
    return this.#time('claim');
  }

  async isClaimed(): Promise<boolean> {
    return (await this.claimedAt()) !== undefined;
  }

  /** Sees to it that no supervisor will ever take the worker; does nothing when one has. */
  async claimForRemoval(): Promise<void> {
    await writeFile(join(this.directory, 'claim'), 'driver\n', { flag: 'wx' }).catch(
      unless('EEXIST', 'ENOENT'),
    );
  }

  /** @returns undefined without a claim, and for the moment in which one is being written */
  async claim(): Promise<Claim | undefined> {
    const text = (await this.#read('claim')) ?? '';
    if (text === 'driver\n') return { by: 'driver' };
    const [, boot = '', rest = ''] = /^(\S+) (.*)\n$/s.exec(text) ?? [];
    const process = parseProcessStat(rest);
    return process && { by: 'supervisor', process, boot };
  }

  async init(): Promise<Init | undefined> {
    const text = (await this.#read('init')) ?? '';
    const process = parseProcessStat(text.split('\n')[0] ?? '');
    if (process === undefined) return undefined;
    const runningSince = text.endsWith('\nrunning\n') ? await this.#time('init') : undefined;
    return runningSince === undefined ? { process } : { process, runningSince };
  }

  /** When the last process of the worker had ended; undefined before. */
  endedAt(): Promise<Date | undefined> {
    return this.#time('ended');
  }

  /** The exit code of the command; `isStartError` when it could not be started. Undefined when it was killed before it had one. */
  async code(): Promise<{ code: number; isStartError: boolean } | undefined> {
    const match = /^(\d+)( StartError)?\n/.exec((await this.#read('code')) ?? '');
    return match === null ? undefined : { code: Number(match[1]), isStartError: match[2] !== undefined };
  }

  /** What the programs that prepare the worker have complained of. */
  async errors(): Promise<string> {
    return ((await this.#read('errors')) ?? '').trim();
  }

  async #read(name: string): Promise<string | undefined> {
    return await readFile(join(this.directory, name), 'utf8').catch(unless('ENOENT'));
  }

  async #time(name: string): Promise<Date | undefined> {
    return (await stat(join(this.directory, name)).catch(unless('ENOENT')))?.mtime;
  }
}

const unless =
  (...codes: string[]) =>
  (error: NodeJS.ErrnoException): undefined => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
