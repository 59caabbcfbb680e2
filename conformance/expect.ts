import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import type { Answer } from './wire.ts';

/** What a server does is not what the API says. */
export class Deviation extends Error {}

/** What the server, or the command line, does not allow to be tried; not a fault of the server's. */
export class NotTried extends Error {}

const shown = (value: unknown): string => {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 400 ? `${text.slice(0, 397)}…` : text;
};

/** @throws {Deviation} naming what differs */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Deviation(`${what}: expected ${shown(expected)}, got ${shown(actual)}`);
}

/** @throws {Deviation} */
export function expectTrue(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Deviation(what);
}

/** @throws {Deviation} */
export function expectMatch(text: unknown, pattern: RegExp, what: string): void {
  if (typeof text === 'string' && pattern.test(text)) return;
  throw new Deviation(`${what}: ${shown(text)} does not match ${pattern}`);
}

/** Checks the status, and that an error has the body of an error. */
export function expectStatus(answer: Answer, status: number, what: string): void {
  if (answer.status !== status)
    throw new Deviation(`${what}: expected ${status}, got ${answer.status} ${shown(answer.text)}`);
  if (status >= 400) expectErrorBody(answer, what);
}

/** An error has at least a `message`, whatever else (spec page 2, "General"). */
function expectErrorBody({ json, headers, text }: Answer, what: string): void {
  const message = typeof json === 'object' && json !== null && 'message' in json ? json.message : undefined;
  if (typeof message !== 'string' || message === '')
    throw new Deviation(`${what}: the error's body has no message: ${shown(text)}`);
  expectMatch(headers['content-type'], /^application\/json\b/, `${what}: Content-Type of the error`);
}

/**
 * The JSON of an answer of status 200, as its shape has it.
 * @returns what the shape names, without the additions of later versions
 */
export function expectShape<Shape extends z.ZodType>(
  answer: Answer,
  shape: Shape,
  what: string,
): z.output<Shape> {
  expectStatus(answer, 200, what);
  expectMatch(answer.headers['content-type'], /^application\/json\b/, `${what}: Content-Type`);
  const result = shape.safeParse(answer.json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new Deviation(`${what}: ${issue?.path.join('.')}: ${issue?.message} in ${shown(answer.json)}`);
}

/** @throws {Deviation} when the list is not in the order of its keys */
export function expectSorted<Item>(items: readonly Item[], key: (item: Item) => string, what: string): void {
  const keys = items.map(key);
  const wrong = keys.findIndex((each, index) => index > 0 && (keys[index - 1] ?? '') > each);
  if (wrong > 0) throw new Deviation(`${what}: ${shown(keys[wrong - 1])} comes before ${shown(keys[wrong])}`);
}
