import { Conflict } from './errors.ts';

/** The states of a Run, in the order of its life (spec page 1, "Run and its lifecycle"). */
export const runStatuses = [
  'deactivated',
  'waiting',
  'ready',
  'starting',
  'running',
  'completing',
  'aborting',
  'done',
  'failed',
  'invalidated',
] as const;

export type RunStatus = (typeof runStatuses)[number];

/** The states that users see: all but `invalidated`. */
export const visibleRunStatuses = runStatuses.filter((status) => status !== 'invalidated');

/** The transition table of spec page 1. Every other change is refused with 409. */
export const transitions: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  deactivated: ['waiting', 'aborting', 'invalidated'],
  waiting: ['deactivated', 'ready', 'aborting', 'invalidated'],
  ready: ['starting', 'running', 'completing', 'aborting'],
  starting: ['running', 'completing', 'aborting'],
  running: ['completing', 'aborting'],
  completing: ['done'],
  aborting: ['failed'],
  done: ['waiting', 'invalidated'],
  failed: ['waiting', 'invalidated'],
  invalidated: [],
};

/** The states from which `to` may be reached. */
export const statusesBefore = (to: RunStatus): RunStatus[] =>
  runStatuses.filter((from) => transitions[from].includes(to));

export const isFinished = (status: RunStatus): boolean => status === 'done' || status === 'failed';

/** How a worker ended: the exit code of the user's container (0–255), and why. */
export interface Exit {
  readonly code: number;
  readonly message: string;
}

/** Exits that do not come from the user's code (spec page 1). */
export const exits = {
  stopped: { code: 0, message: 'stopped by user' },
  aborted: { code: 253, message: 'aborted by user' },
  lost: { code: 254, message: 'worker lost' },
} as const satisfies Record<string, Exit>;

/** The exit of a worker as the wire shows it: no message after success, else the reason (spec page 2, examples). */
export function exitOfWorker(code: number, reason: string): Exit {
  return { code, message: code === 0 ? '' : `(container main) ${reason}` };
}

/** What a user may ask of a Run, and from which states. */
const requests = {
  stop: { from: ['ready', 'starting', 'running'], to: 'completing' },
  abort: { from: ['deactivated', 'waiting', 'ready', 'starting', 'running'], to: 'aborting' },
  retry: { from: ['done', 'failed'], to: 'waiting' },
  delete: { from: ['deactivated', 'waiting', 'done', 'failed'], to: 'invalidated' },
} as const satisfies Record<string, { from: readonly RunStatus[]; to: RunStatus }>;

export type RunRequest = keyof typeof requests;

/**
 * The status that a Run goes to when a user asks for it.
 * @throws {Conflict} when its state does not allow it
 */
export function statusAfterRequest(request: RunRequest, from: RunStatus): RunStatus {
  const allowed: readonly RunStatus[] = requests[request].from;
  if (!allowed.includes(from)) {
    throw new Conflict({
      reason: `a Run that is ${from} can't be ${past[request]}`,
      advice: `Only a Run that is ${allowed.join(', ').replace(/, ([^,]*)$/, ' or $1')} can.`,
    });
  }
  return requests[request].to;
}

const past: Record<RunRequest, string> = {
  stop: 'stopped',
  abort: 'aborted',
  retry: 'retried',
  delete: 'deleted',
};
