import fc from 'fast-check';
import { expect, test } from 'vitest';
import { annotationKey, annotationSet } from '../src/index.ts';
import { expectInvalid } from './refusals.ts';

test('annotations are a set, sorted, in which a key may have several values', () => {
  expect(annotationSet(['owner=bob', 'b=2', 'owner=alice', 'b=2'])).toEqual([
    'b=2',
    'owner=alice',
    'owner=bob',
  ]);
});

test.each([
  ['owner=alice', 'owner=alice', 'owner'],
  [' owner = alice in wonderland ', 'owner=alice in wonderland', 'owner'],
  ['formula = a = b', 'formula=a = b', 'formula'],
  ['empty=', 'empty=', 'empty'],
  ['説明=これは', '説明=これは', '説明'],
])('%j is kept as %j, with the key %j', (text, kept, key) => {
  expect(annotationSet([text])).toEqual([kept]);
  expect(annotationKey(kept)).toBe(key);
});

test.each(['', 'owner', '=alice', ' =alice'])('%j is none', (text) => {
  expectInvalid(() => annotationSet([text]), /is not an annotation$/);
});

test.each(['a=\0', 'a=b\nc', 'a\tb=c', 'a=\ud800'])('%j holds what can not be kept', (text) => {
  expectInvalid(() => annotationSet([text]), /control character/);
});

test('the order and the number of times of naming them make no difference', () => {
  const annotation = fc.tuple(fc.stringMatching(/^[a-c]{1,2}$/), fc.stringMatching(/^[a-c=]{0,2}$/));
  fc.assert(
    fc.property(fc.array(annotation), (pairs) => {
      const texts = pairs.map((pair) => pair.join('='));
      expect(annotationSet([...texts].reverse().concat(texts))).toEqual(annotationSet(texts));
    }),
  );
});
