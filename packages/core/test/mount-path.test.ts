import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkDisjoint, Invalid, parseMountPath } from '../src/index.ts';
import { expectInvalid } from './refusals.ts';

describe('the path of an input or output', () => {
  test.each([
    ['/in', '/in'],
    ['/in/', '/in'],
    ['/in/data set/1', '/in/data set/1'],
    ['/入力', '/入力'],
    ['/.hidden/..two/three...', '/.hidden/..two/three...'],
    [`/${'a'.repeat(255)}`, `/${'a'.repeat(255)}`],
  ])('%j is %j', (text, path) => {
    expect(parseMountPath(text)).toBe(path);
  });

  test.each([
    ...[
      '',
      '/',
      '//',
      'in',
      './in',
      '../in',
      '/in//',
      '//in',
      '/in//a',
      '/./in',
      '/in/.',
      '/in/./',
      '/in/..',
      '/../in',
    ],
    ...[' /in', '/in\0', '/in\n', '/in\ud800', 'C:\\in', `/${'a'.repeat(256)}`, `/${'é'.repeat(128)}`],
    '/a'.repeat(2048),
  ])('%j is refused', (text) => {
    expectInvalid(() => parseMountPath(text), /can't be the path of an input or output$/);
  });

  test('what was read is its own spelling', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z.]{1,3}$/), { minLength: 1 }), (parts) => {
        fc.pre(parts.every((part) => part !== '.' && part !== '..'));
        const path = `/${parts.join('/')}`;
        expect(parseMountPath(path)).toBe(path);
        expect(parseMountPath(`${path}/`)).toBe(path);
      }),
    );
  });
});

describe('paths of which one equals or contains another', () => {
  test.each([
    [['/a', '/a'], 'the path /a is used twice'],
    [['/a', '/a/b'], 'the path /a/b lies inside /a'],
    [['/a/b', '/a'], 'the path /a/b lies inside /a'],
    [['/a', '/a-b', '/a/b'], 'the path /a/b lies inside /a'],
    [['/a/b/c/d', '/x', '/a', '/a!', '/a0'], 'the path /a/b/c/d lies inside /a'],
  ])('%j are refused: %s', (paths, reason) => {
    expect(() => checkDisjoint(paths)).toThrow(expect.objectContaining({ reason }));
  });

  test.each([
    [[]],
    [['/a']],
    [['/a', '/b']],
    [['/a', '/a-b', '/a.b', '/ab']],
    [['/a/b', '/a/c']],
    [['/a/b', '/a-b/a']],
  ])('%j are not among them', (paths) => {
    expect(() => checkDisjoint(paths)).not.toThrow();
  });

  test('are found exactly when two of them are so, compared each with each', () => {
    // letters on both sides of "/" in the order of characters
    const part = fc.stringMatching(/^[ab\-.!0~é]{1,2}$/).filter((text) => text !== '.' && text !== '..');
    const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
    const contains = (outer: string, inner: string) => {
      const [above, below] = [outer.split('/'), inner.split('/')];
      return above.every((name, depth) => below[depth] === name);
    };
    fc.assert(
      fc.property(fc.array(path, { maxLength: 8 }), (paths) => {
        const overlap = paths.some((a, i) => paths.some((b, j) => i !== j && contains(a, b)));
        const check = () => checkDisjoint(paths);
        if (overlap) expect(check).toThrow(Invalid);
        else expect(check).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });
});
