import { KnitError } from '@knitfab/core';
import type { Topic } from '@knitfab/store';
import { earlier } from './earlier.ts';

/** What a step of a loop came to. */
export interface Step {
  /** Whether there may be more to do at once. */
  more: boolean;
  /** When a row that failed is due again. */
  nextAt?: Date;
  /** Rows of which the step came to its end, and those that are tried again. */
  done?: number;
  failed?: number;
}

/**
 * One of the engine's loops: it sleeps until one of its topics is notified, claims rows, does one idempotent step for each,
 * and commits. Any number of copies may run, in any number of processes; any of them may be killed at any moment.
 */
export interface Loop {
  readonly name: string;
  readonly topics: readonly Topic[];
  step(): Promise<Step>;
}

/** What a loop tells of itself. */
export interface LoopLog {
  debug(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** Told of every step of every loop. */
export interface LoopObserver {
  /** @param step undefined when it failed as a whole */
  stepped(loop: string, seconds: number, step: Step | undefined): void;
}

/** How long a loop sleeps at most when nothing wakes it: the net below the notifications. */
const fallbackMilliseconds = 15_000;
const longestPause = 10_000;
/** Times come from the database, whose clock may be behind: a row that is due for this one is asked for no faster. */
const shortestMilliseconds = 100;

/** A loop that can be woken, and that runs until the signal aborts. */
export class LoopRunner {
  readonly #loop: Loop;
  readonly #log: LoopLog;
  readonly #observer: LoopObserver | undefined;
  #awake = true;
  #rouse: () => void = () => {};
  /** When the first of the rows that failed is due; steps that come before that don't see it. */
  #dueAt: Date | undefined;

  constructor(loop: Loop, log: LoopLog, observer?: LoopObserver) {
    this.#loop = loop;
    this.#log = log;
    this.#observer = observer;
  }

  get topics(): readonly Topic[] {
    return this.#loop.topics;
  }

  /** Makes the loop look for work, now or as soon as its present step ends. */
  wake(): void {
    this.#awake = true;
    this.#rouse();
  }

  /** Steps and sleeps by turns. The present step is finished before this resolves. */
  async run(signal: AbortSignal): Promise<void> {
    let pause = 100;
    while (!signal.aborted) {
      this.#awake = false;
      try {
        const { more, nextAt } = await this.#step();
        pause = 100;
        if (this.#dueAt && this.#dueAt.getTime() <= Date.now()) this.#dueAt = undefined;
        this.#dueAt = earlier(this.#dueAt, nextAt);
        if (more) continue;
        await this.#sleep(untilNext(this.#dueAt), signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn(failure(this.#loop, error), 'a step failed and is tried again');
        this.#awake = false;
        await this.#sleep(pause, signal);
        pause = Math.min(pause * 2, longestPause);
      }
    }
  }

  async #step(): Promise<Step> {
    const begun = performance.now();
    let step: Step | undefined;
    try {
      step = await this.#loop.step();
      return step;
    } finally {
      this.#observer?.stepped(this.#loop.name, (performance.now() - begun) / 1000, step);
    }
  }

  async #sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#awake || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, milliseconds);
      const rouse = () => done();
      function done() {
        clearTimeout(timer);
        signal.removeEventListener('abort', rouse);
        resolve();
      }
      this.#rouse = rouse;
      signal.addEventListener('abort', rouse, { once: true });
    });
    this.#rouse = () => {};
  }
}

/** What is expected to go wrong at times (the database is away) is told in one sentence, what is not with its stack. */
const failure = ({ name }: Loop, error: unknown): object =>
  error instanceof KnitError ? { loop: name, reason: error.reason } : { loop: name, err: error };

const untilNext = (nextAt: Date | undefined): number =>
  nextAt === undefined
    ? fallbackMilliseconds
    : Math.min(fallbackMilliseconds, Math.max(shortestMilliseconds, nextAt.getTime() - Date.now()));
