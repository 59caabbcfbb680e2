import { execFile } from 'node:child_process';
import { Unavailable } from '@knitfab/core';
import type { Privileges } from './privileges.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';
import type { WorkerEvents } from './worker-events.ts';
import type { Claim, WorkerRecord } from './worker-record.ts';

/** How long the start of a worker is waited for, before it is ended. */
const startMilliseconds = 5000;
/** How long processes may take to be gone once they are killed; those that wait for a broken disk or file server never are. */
const killMilliseconds = 10_000;
/** How long a worker whose supervisor is gone may take to tell which its first process is. */
const initMilliseconds = 500;

/** Ends all processes of a worker: with SIGTERM first, so that they can write what they want to keep. */
export class WorkerEnd {
  readonly #events: WorkerEvents;
  readonly #privileges: Privileges;
  readonly #graceMilliseconds: number;

  constructor(events: WorkerEvents, privileges: Privileges, graceMilliseconds: number) {
    this.#events = events;
    this.#privileges = privileges;
    this.#graceMilliseconds = graceMilliseconds;
  }

  /** @throws {Unavailable} when some can't be killed */
  async of(name: string, record: WorkerRecord, claim: Claim & { by: 'supervisor' }): Promise<void> {
    const isGone = () => this.#isGone(record, claim.process);
    const isStarted = () => record.life?.running !== undefined || isGone();
    await this.#until(name, isStarted, startMilliseconds);
    if (isGone()) return;
    const { init, running } = record.life ?? {};
    if (init !== undefined && running !== undefined) {
      await this.#terminate(init);
      if (await this.#until(name, isGone, this.#graceMilliseconds)) return;
    }
    kill(init ?? claim.process);
    if (await this.#until(name, isGone, killMilliseconds)) return;
    throw new Unavailable({
      reason: `processes of the worker ${name} don't end though they are killed`,
      advice:
        'They wait for the kernel, such as for a disk or a file server that does not answer (ps: state D).',
    });
  }

  /** Whether no process of the worker is left; it has a supervisor as long as there are any, unless that was killed. */
  #isGone(record: WorkerRecord, supervisor: ProcessIdentity): boolean {
    const isSupervised = isAlive(supervisor);
    const { life } = record;
    if (life === undefined || life.ended !== undefined) return true;
    if (isSupervised) return false;
    if (life.init !== undefined) return !isAlive(life.init);
    return Date.now() - life.writtenAt.getTime() > initMilliseconds;
  }

  /** @returns whether it came true in time */
  async #until(name: string, condition: () => boolean, milliseconds: number): Promise<boolean> {
    const deadline = Date.now() + milliseconds;
    for (let pause = 10; !condition(); pause = Math.min(2 * pause, 500)) {
      const left = deadline - Date.now();
      if (left <= 0) return false;
      // Not every end is told of: not that of a worker whose supervisor was killed.
      await this.#events.next(name, Math.min(pause, left));
    }
    return true;
  }

  /** All but the first process, to which its namespace's processes can't send signals: it ends when the command does. */
  async #terminate({ pid }: ProcessIdentity): Promise<void> {
    const [file = '', ...args] = [...this.#privileges.join(pid), '/bin/sh', '-c', 'kill -s TERM -- -1'];
    await new Promise<void>((resolve) => {
      execFile(file, args, () => resolve());
    });
  }
}

/** Kills a process; when it is the first of a namespace, the kernel kills all others with it. */
function kill(process_: ProcessIdentity): void {
  if (!isAlive(process_)) return;
  try {
    process.kill(process_.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
