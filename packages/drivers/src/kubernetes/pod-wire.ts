import { Conflict, Invalid, type KnitError, NotFound, Unavailable } from '@knitfab/core';

/**
 * What a Data Agent and the knitd-backend that made it say to each other: two requests of the agent (HTTP/1.1), both with
 * `Authorization: Bearer KNIT_AGENT_TOKEN`.
 *
 * 1. `POST KNIT_AGENT_URL` asks for the task, which the answer has in its header {@link taskHeader}. The answer's body is what the
 *    agent has to write.
 * 2. `PUT KNIT_AGENT_URL` reports: the body is what the agent has read from the volume, and the trailer {@link outcomeTrailer} says
 *    how all of it went. It may come before the first answer has ended, when the rest of that is of no use.
 */
export type AgentTask =
  /** Unpack the tar stream of the answer into the volume, durably. */
  | { readonly kind: 'unpack' }
  /** Send the volume's tree as a tar stream. */
  | { readonly kind: 'pack' }
  /** Send what the volume's file `log` holds, from this byte on. */
  | { readonly kind: 'log'; readonly from: number };

export const taskHeader = 'knit-task';
export const outcomeTrailer = 'knit-outcome';

/** The environment of a Data Agent. */
export const agentUrlVariable = 'KNIT_AGENT_URL';
export const agentTokenVariable = 'KNIT_AGENT_TOKEN';

/** Where the volume is mounted in a Data Agent. */
export const agentDirectory = '/data';

/** The environment of a log recorder, and where it finds what. */
export const recorderTokenVariable = 'KNIT_LOG_TOKEN';
export const recorderPort = 8081;

/**
 * What a recorder is asked for, with `Authorization: Bearer KNIT_LOG_TOKEN`: `GET` of what it has recorded, and `POST` to tell it that
 * main has ended, so that a pipe which nobody has opened by now will never be.
 */
export const recorderPaths = { log: '/log', mainEnded: '/main-ended' } as const;
export const toolsDirectory = '/.knit';
export const pipePath = `${toolsDirectory}/log`;

/** The busybox that main begins with where it is started by way of us. */
export const startPath = `${toolsDirectory}/busybox`;
export const logDirectory = '/log';

/** The file of a log volume that has all of stdout and stderr. */
export const logFile = 'log';

/** Where a container says why it failed. Source: Kubernetes, "Customizing the termination message". */
export const terminationMessagePath = '/dev/termination-log';

const kinds = { Invalid, NotFound, Conflict, Unavailable };
type Kind = keyof typeof kinds;

interface Failure {
  readonly kind: Kind | 'Defect';
  readonly reason: string;
  readonly advice?: string;
}

/** Trailers must fit into what an HTTP parser takes: 16 KiB in Node. */
const longest = 4000;

/** The trailer's value for a task that has been done, or for how it failed. */
export function encodeOutcome(error?: unknown): string {
  if (error === undefined) return 'done';
  // By the classes themselves: their names may be shortened in a bundle.
  const kind = (Object.keys(kinds) as Kind[]).find((each) => error instanceof kinds[each]);
  const failure = kind === undefined ? unexpected(error) : expected(kind, error as KnitError);
  return Buffer.from(JSON.stringify(failure)).toString('base64url');
}

const expected = (kind: Kind, { reason, advice }: KnitError): Failure => ({
  kind,
  reason: reason.slice(0, longest),
  ...(advice === undefined ? {} : { advice: advice.slice(0, longest) }),
});

const unexpected = (error: unknown): Failure => ({
  kind: 'Defect',
  reason: (error instanceof Error ? error.message : String(error)).slice(0, longest),
});

/**
 * @returns nothing for a task that has been done
 * @throws what the Data Agent has failed with; an Error when that is not an expected failure
 */
export function decodeOutcome(trailer: string | undefined): void {
  if (trailer === 'done') return;
  const { kind, reason, advice } = failureIn(trailer);
  if (kind === 'Defect') throw new Error(`the Data Agent failed: ${reason}`);
  throw new kinds[kind]({ reason, ...(advice === undefined ? {} : { advice }) });
}

function failureIn(trailer = ''): Failure {
  try {
    const { kind, reason, advice } = JSON.parse(Buffer.from(trailer, 'base64url').toString()) as Failure;
    if ((Object.hasOwn(kinds, kind) || kind === 'Defect') && typeof reason === 'string')
      return { kind, reason, ...(typeof advice === 'string' ? { advice } : {}) };
  } catch {
    // Told below.
  }
  return { kind: 'Defect', reason: 'it told of an outcome that can not be read' };
}

/**
 * @returns the task in a header
 * @throws {Error} when it is none
 */
export function parseTask(header: string | undefined): AgentTask {
  const task: unknown = JSON.parse(header ?? 'null');
  if (typeof task === 'object' && task !== null && 'kind' in task) {
    if (task.kind === 'unpack' || task.kind === 'pack') return { kind: task.kind };
    if (task.kind === 'log' && 'from' in task && Number.isSafeInteger(task.from))
      return { kind: 'log', from: task.from as number };
  }
  throw new Error(`not a task: ${header}`);
}
