import { type ErrorParts, KnitError } from '@knitfab/core';
import type { ErrorBody } from '../shapes/error.ts';

/** The server refused: with what status, and what it said. */
export class ServerError extends KnitError {
  readonly status: number;
  /** The root of the API that answered. */
  readonly apiRoot: string;

  constructor(parts: ErrorParts, { status, apiRoot }: { status: number; apiRoot: string }) {
    super(parts);
    this.status = status;
    this.apiRoot = apiRoot;
  }
}

/** An answer that was no success, or not what it should be. */
export interface Refusal {
  readonly apiRoot: string;
  readonly status: number;
  readonly statusText: string;
  readonly body: string;
  /** Where a redirect leads. */
  readonly location?: string;
}

/** How much of an answer that is no error of ours is quoted, in characters. */
const longestQuote = 200;

/**
 * Reads an error answer. A 1.6 server sends `message` alone: reason, advice and ` caused by:…` on lines of their own
 * (spec page 2). What stands between (a proxy) may send anything.
 */
export function serverError(refusal: Refusal): ServerError {
  const { status, statusText, body } = refusal;
  const { message, reason, advice, see } = errorFields(body);
  if (refusal.location !== undefined) return sentOn(refusal, refusal.location);
  if (reason !== undefined) {
    return new ServerError({ reason, ...(advice && { advice }), ...(see && { see }) }, refusal);
  }
  if (message !== undefined) {
    const [first = '', ...rest] = message.trim().split('\n');
    return new ServerError(
      { reason: first.trim(), ...(rest.length > 0 && { advice: rest.join('\n') }) },
      refusal,
    );
  }
  const quote = body
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const what = `the answer was ${status} ${statusText}`.trim();
  return new ServerError(
    {
      reason: quote === '' ? what : `${what}: ${quote.slice(0, longestQuote)}`,
      advice: 'This is no answer of Knitfab: is apiRoot right, and does a proxy stand between?',
    },
    refusal,
  );
}

function sentOn(refusal: Refusal, location: string): ServerError {
  const isSecure = location.startsWith('https:') && refusal.apiRoot.startsWith('http:');
  return new ServerError(
    {
      reason: `the server sends on to ${location}`,
      advice: isSecure
        ? 'Does apiRoot in the profile have to begin with https:// instead of http://?'
        : 'Is apiRoot in the profile right? Does something before the server want a login?',
    },
    refusal,
  );
}

function errorFields(body: string): Partial<ErrorBody> {
  const fields: Partial<ErrorBody> = {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return fields;
  }
  if (typeof parsed !== 'object' || parsed === null) return fields;
  for (const name of ['message', 'reason', 'advice', 'see'] as const) {
    const value: unknown = (parsed as Record<string, unknown>)[name];
    if (typeof value === 'string' && value.trim() !== '') fields[name] = value;
  }
  return fields;
}
