import { expect, test } from 'vitest';
import { checkedOnNode } from '../src/index.ts';
import { expectInvalid } from './refusals.ts';

test.each([
  'accelerator=gpu',
  'accelerator=',
  'kubernetes.io/hostname=node-1',
  'example.com/a_b.C=x_Y.z',
  'A=B',
  `${'k'.repeat(63)}=${'v'.repeat(63)}`,
  `${'p'.repeat(253)}/k=v`,
])('%s is a label', (label) => {
  expect(checkedOnNode({ must: [label] })).toEqual({ must: [label] });
});

test.each([
  ...[
    '',
    'accelerator',
    '=gpu',
    'a=b=c',
    'a b=c',
    'a=b c',
    '-a=b',
    'a-=b',
    'a=-b',
    'a=b-',
    'a/b/c=d',
    '/a=b',
    'a/=b',
  ],
  ...['Example.com/a=b', 'a..b/c=d', '-a/b=c', 'a=é'],
  `${'k'.repeat(64)}=v`,
  `k=${'v'.repeat(64)}`,
  `${'p'.repeat(254)}/k=v`,
])('%j is none', (label) => {
  for (const kind of ['may', 'prefer', 'must']) {
    expectInvalid(() => checkedOnNode({ [kind]: ['a=b', label] }), new RegExp(`^on_node.${kind} holds`));
  }
});

test('each kind is a set: sorted, trimmed, each label once, left out when empty', () => {
  expect(checkedOnNode({ may: [], prefer: ['b=2', ' a=1', 'b=2'], must: ['c=3'] })).toEqual({
    prefer: ['a=1', 'b=2'],
    must: ['c=3'],
  });
});
