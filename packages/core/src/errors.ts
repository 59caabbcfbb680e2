/** What a person needs to know of a failure: what happened, why, and what to do. */
export interface ErrorParts {
  /** What happened and why, in one sentence. */
  reason: string;
  /** What to do about it. */
  advice?: string;
  /** The id or address of something worth a look, such as the equal Plan of a refused one. */
  see?: string;
  cause?: unknown;
}

/**
 * The one hierarchy of expected failures. It is mapped to HTTP in one place (server/errors.ts) and to exit codes in one
 * place (cli/exit.ts); anything that is not a `KnitError` is a defect.
 */
export abstract class KnitError extends Error {
  abstract readonly status: number;
  readonly reason: string;
  readonly advice: string | undefined;
  readonly see: string | undefined;

  constructor(parts: ErrorParts | string) {
    const { reason, advice, see, cause }: ErrorParts = typeof parts === 'string' ? { reason: parts } : parts;
    super(advice === undefined ? reason : `${reason}\n${advice}`, cause === undefined ? {} : { cause });
    this.name = new.target.name;
    this.reason = reason;
    this.advice = advice;
    this.see = see;
  }
}

/** The input is malformed (400). */
export class Invalid extends KnitError {
  readonly status = 400;
}

/** There is no such thing (404). */
export class NotFound extends KnitError {
  readonly status = 404;
}

/** The thing's present state does not allow this (409). */
export class Conflict extends KnitError {
  readonly status = 409;
}

/** Not now: try again later (503). */
export class Unavailable extends KnitError {
  readonly status = 503;
}
