import { Invalid } from '@knitfab/core';
import type { z } from 'zod';

/**
 * Says in one sentence what is wrong with an input, with the path of the field: `inputs[0].tags[1]: "foo" is not a tag`.
 * Only the first problem is told in full.
 */
export function readable(error: z.ZodError): Invalid {
  const issue = error.issues[0];
  if (issue === undefined) return new Invalid('the input is malformed');
  const others = error.issues.length - 1;
  const more = others === 0 ? '' : `, and ${others} more ${others === 1 ? 'problem' : 'problems'}`;
  const cause = issue.code === 'custom' ? issue.params?.invalid : undefined;
  const advice = cause instanceof Invalid ? cause.advice : undefined;
  return new Invalid({
    reason: `${problem(issue)}${more}`,
    ...(advice !== undefined && { advice }),
    cause: error,
  });
}

/** The path of a field as JavaScript would write it: `inputs[0].tags[1]`. */
export const fieldPath = (path: readonly PropertyKey[]): string =>
  path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');

function problem(issue: z.core.$ZodIssue): string {
  const place = fieldPath(issue.path);
  if (issue.code !== 'invalid_type') return place === '' ? issue.message : `${place}: ${issue.message}`;
  const subject = place === '' ? 'the input' : place;
  const received = /received (.+)$/.exec(issue.message)?.[1] ?? '';
  if (received === 'undefined') return `${subject} is missing`;
  return `${subject} must be ${names[issue.expected] ?? issue.expected}, not ${names[received] ?? received}`;
}

const names: Record<string, string> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
  NaN: 'no number',
};
