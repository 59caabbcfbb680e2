import { Invalid } from './errors.ts';
import { controlCharacter, shorten } from './text.ts';

/** Longest path of a mount, in bytes (Linux PATH_MAX less the terminating zero). */
const maxPathBytes = 4095;

/**
 * Checks a path where a Data is mounted: absolute, no `.`, `..` or doubled `/`; one trailing `/` is dropped (spec page 1).
 * @throws {Invalid} for any other path, and for `/` itself
 */
export function parseMountPath(text: string): string {
  const path = text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text;
  const parts = path.split('/').slice(1);
  const bad =
    !path.startsWith('/') ||
    parts.some((part) => part === '' || part === '.' || part === '..') ||
    controlCharacter(path) !== undefined;
  if (
    bad ||
    new TextEncoder().encode(path).length > maxPathBytes ||
    parts.some((part) => new TextEncoder().encode(part).length > 255)
  ) {
    throw new Invalid({
      reason: `"${shorten(text)}" can't be the path of an input or output`,
      advice: 'Give an absolute path without ".", ".." or "//", such as /in/dataset.',
    });
  }
  return path;
}

/**
 * Refuses paths of which one equals or contains another.
 * @throws {Invalid} naming the first such pair
 */
export function checkDisjoint(paths: readonly string[]): void {
  const sorted = paths.map((path) => `${path}/`).sort();
  for (let i = 1; i < sorted.length; i++) {
    const [outer, inner] = [sorted[i - 1] ?? '', sorted[i] ?? ''];
    if (inner.startsWith(outer)) {
      const [a, b] = [outer.slice(0, -1), inner.slice(0, -1)];
      throw new Invalid({
        reason: a === b ? `the path ${a} is used twice` : `the path ${b} lies inside ${a}`,
        advice: 'Inputs and outputs need paths of which none contains another.',
      });
    }
  }
}
