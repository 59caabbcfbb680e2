import { parseDuration } from './duration.ts';
import { Invalid } from './errors.ts';

// Storm control and retries (spec page 8, rows 6 and 8): none of this belongs to a Plan's identity.

/**
 * Whose fault a failure is. `lost`: the system's (a node that went away, an eviction, an image that could not be pulled, a
 * volume that could not be mounted); `error`: the user's code; `user`: somebody stopped it.
 */
export const failureCauses = ['lost', 'error', 'user'] as const;
export type FailureCause = (typeof failureCauses)[number];

/** How often a Run is tried again by itself, by cause, and after which pause. */
export interface Retry {
  readonly lost: number;
  readonly error: number;
  /** The first pause; it doubles with each attempt. */
  readonly backoffMilliseconds: number;
}

/** When and how often the Runs of a Plan are started. */
export interface Scheduling {
  /** How many Runs of the Plan may be under way at once; any number when absent. */
  readonly maxRunning?: number;
  /** Runs of Plans with a higher one are started first. */
  readonly priority: number;
  /** The default when absent. */
  readonly retry?: Retry;
}

export const defaultRetry: Retry = { lost: 3, error: 0, backoffMilliseconds: 10_000 };
export const defaultScheduling: Scheduling = { priority: 0 };

const shortestPauseMilliseconds = 1;
const longestPauseMilliseconds = 3_600_000;

/** Scheduling as it comes from outside: field names of the API; null and absent are the default. */
export interface SchedulingInput {
  max_running?: number | null | undefined;
  priority?: number | null | undefined;
  retry?:
    | {
        lost?: number | null | undefined;
        error?: number | null | undefined;
        /** A duration as Go writes it. */
        backoff?: string | null | undefined;
      }
    | null
    | undefined;
}

/**
 * Reads when and how often the Runs of a Plan are started.
 * @throws {Invalid} naming what is out of bounds
 */
export function defineScheduling({ max_running, priority, retry }: SchedulingInput): Scheduling {
  return {
    ...(max_running != null && { maxRunning: whole('max_running', max_running, 1, 1_000_000) }),
    priority: whole('priority', priority ?? 0, -1000, 1000),
    ...(retry != null && {
      retry: {
        lost: whole('retry.lost', retry.lost ?? defaultRetry.lost, 0, 100),
        error: whole('retry.error', retry.error ?? defaultRetry.error, 0, 100),
        backoffMilliseconds: backoff(retry.backoff),
      },
    }),
  };
}

function whole(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Invalid({
      reason: `${name} is ${value}`,
      advice: `Give a whole number from ${least} to ${most}.`,
    });
  }
  return value;
}

function backoff(text: string | null | undefined): number {
  if (text == null) return defaultRetry.backoffMilliseconds;
  const milliseconds = parseDuration(text);
  if (milliseconds < shortestPauseMilliseconds || milliseconds > longestPauseMilliseconds) {
    throw new Invalid({ reason: `retry.backoff is ${text}`, advice: 'Give a duration from 1ms to 1h.' });
  }
  return milliseconds;
}

/**
 * The pause before a failed Run is tried again, or undefined when its budget for this cause is used up. What users stop is
 * not tried again.
 * @param spent how many attempts have failed by this cause before, since somebody last asked for the Run
 * @param attempts how many attempts have failed by any cause before
 * @returns milliseconds
 */
export function pauseBeforeRetry(
  retry: Retry,
  cause: FailureCause,
  { spent, attempts }: { spent: number; attempts: number },
): number | undefined {
  if (cause === 'user' || spent >= retry[cause]) return undefined;
  return Math.min(retry.backoffMilliseconds * 2 ** Math.min(attempts, 30), longestPauseMilliseconds);
}
