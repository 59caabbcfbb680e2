import { KnitError } from '@knitfab/core';
import { CommanderError } from 'commander';
import { Interrupted } from './interrupt.ts';
import { harmlessLines } from './output/harmless.ts';
import { describeSystemError } from './system-error.ts';

/** Wrong usage of the command: exit code 2. */
export class UsageError extends Error {}

/** A failure, and what it is about, where that is not clear by itself. */
export class FailedWith extends Error {
  constructor(subject: string, cause: unknown) {
    super(subject, { cause });
  }
}

/** A command that has said all that there is to say, and has failed: exit code 1. */
export class Failed extends Error {}

/** The one place where failures become exit codes: 0 success, 1 failure, 2 wrong usage (spec page 3). */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof FailedWith) return exitCodeOf(error.cause);
  if (error instanceof UsageError) return 2;
  if (error instanceof Interrupted) return error.exitCode;
  return 1;
}

/**
 * What a person reads of a failure: what was wrong, what the server answered, what to do. Empty when it has been said
 * already.
 */
export function explanation(error: unknown): string {
  if (error instanceof CommanderError || error instanceof Failed) return '';
  return harmlessLines(`knit: ${explained(error)}`);
}

function explained(error: unknown): string {
  if (error instanceof Interrupted || error instanceof UsageError) return error.message;
  if (error instanceof FailedWith) {
    const interrupted = error.cause instanceof Interrupted;
    return interrupted ? explained(error.cause) : `${error.message}: ${explained(error.cause)}`;
  }
  if (error instanceof KnitError) return explainedInFull(error);
  const stack = error instanceof Error ? error.stack : String(error);
  return describeSystemError(error) ?? `this should not have happened; it is a defect of knit.\n${stack}`;
}

function explainedInFull(error: KnitError): string {
  const { reason, advice, see, message } = error;
  const details = [
    ...(advice?.split('\n') ?? []),
    ...(see !== undefined && !message.includes(see) ? [`See ${see}`] : []),
    ...('apiRoot' in error ? [`The server at ${error.apiRoot} answered ${error.status}.`] : []),
  ];
  return [reason, ...details.map((line) => `  ${line.trimEnd()}`)].join('\n');
}
