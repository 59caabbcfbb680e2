import { KnitError } from '@knitfab/core';
import { CommanderError } from 'commander';
import { Interrupted } from './interrupt.ts';
import { describeSystemError } from './system-error.ts';

/** Wrong usage of the command: exit code 2. */
export class UsageError extends Error {}

/** A command that has said all that there is to say, and has failed: exit code 1. */
export class Failed extends Error {}

/** The one place where failures become exit codes: 0 success, 1 failure, 2 wrong usage (spec page 3). */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
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
  if (error instanceof Interrupted) return 'knit: interrupted';
  if (error instanceof UsageError) return `knit: ${error.message}`;
  if (error instanceof KnitError) return explainKnown(error);
  const system = describeSystemError(error);
  if (system !== undefined) return `knit: ${system}`;
  const stack = error instanceof Error ? error.stack : String(error);
  return `knit: this should not have happened; it is a defect of knit.\n${stack}`;
}

function explainKnown(error: KnitError): string {
  const advice = error.advice?.split('\n').map((line) => `  ${line.trimEnd()}`) ?? [];
  const see = error.see !== undefined && !error.message.includes(error.see) ? [`  See ${error.see}`] : [];
  return [`knit: ${error.reason}`, ...advice, ...see].join('\n');
}
