import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessIdentity, parseProcessStat } from './process-identity.ts';
import { parseWorkerNote, type WorkerNote } from './worker-file.ts';

/** Who has claimed a worker. */
export type Claim =
  | { readonly by: 'supervisor'; readonly process: ProcessIdentity; readonly boot: string }
  | { readonly by: 'driver' };

/** What has become of a worker so far; worker-script.ts says who writes what of it. */
export interface Life {
  /** Undefined for the moment in which it is being written, or when its writer was killed in that. */
  readonly claim?: Claim;
  /** The first process of its namespaces. */
  readonly init?: ProcessIdentity;
  /** When the command was started, in seconds since the machine's start. */
  readonly running?: number;
  /** The exit code of the command. */
  readonly code?: number;
  /** Whether that tells why the command could not be started. */
  readonly isStartError: boolean;
  /** When the last process had ended, in seconds since the machine's start. */
  readonly ended?: number;
  /** What the programs that prepare the worker have complained of. */
  readonly complaints: string;
  /** When something was written last. */
  readonly writtenAt: Date;
}

/**
 * The files of one worker. They are small, and read from memory as a rule: that takes some microseconds, but twenty times as much
 * when another thread does it (measured).
 */
export class WorkerRecord {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get note(): WorkerNote | undefined {
    return parseWorkerNote(this.#read('worker') ?? '');
  }

  get isClaimed(): boolean {
    return this.#writtenAt !== undefined;
  }

  /** Sees to it that no supervisor will ever take the worker; does nothing when one has, or when there is no worker. */
  claimForRemoval(): void {
    try {
      writeFileSync(join(this.directory, 'life'), 'driver\n', { flag: 'wx' });
    } catch (error) {
      if (!['EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }

  /** Undefined as long as nobody has claimed the worker. */
  get life(): Life | undefined {
    const text = this.#read('life');
    const writtenAt = this.#writtenAt;
    return text === undefined || writtenAt === undefined ? undefined : { ...parseLife(text), writtenAt };
  }

  get #writtenAt(): Date | undefined {
    return statSync(join(this.directory, 'life'), { throwIfNoEntry: false })?.mtime;
  }

  #read(name: string): string | undefined {
    try {
      return readFileSync(join(this.directory, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

function parseLife(text: string): Omit<Life, 'writtenAt'> {
  let life: Omit<Life, 'writtenAt'> = { isStartError: false, complaints: '' };
  // What follows the last line break is not complete.
  for (const line of text.split('\n').slice(0, -1)) life = { ...life, ...event(line, life) };
  return life;
}

function event(line: string, { code, complaints }: Omit<Life, 'writtenAt'>): Partial<Life> {
  const [word, ...rest] = line.split(' ');
  const process = parseProcessStat(rest.slice(word === 'supervisor' ? 1 : 0).join(' '));
  switch (word) {
    case 'driver':
      return { claim: { by: 'driver' } };
    case 'supervisor':
      return process === undefined ? {} : { claim: { by: 'supervisor', process, boot: rest[0] ?? '' } };
    case 'init':
      return process === undefined ? {} : { init: process };
    case 'running':
      return { running: Number(rest[0]) };
    case 'code':
      // Of a program that can't be started, both the script that finds that out and the one around it tell.
      return code === undefined ? { code: Number(rest[0]), isStartError: rest[1] === 'StartError' } : {};
    case 'ended':
      return { ended: Number(rest[0]) };
    default:
      return { complaints: `${complaints}${line}\n` };
  }
}
