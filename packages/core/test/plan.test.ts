import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  definePlan,
  maxMountpoints,
  type PlanInput,
  parseTag,
  planIdentity,
  type Tag,
} from '../src/index.ts';
import { expectInvalid } from './refusals.ts';

const tags = (...texts: string[]): Tag[] => texts.map(parseTag);

const plan: PlanInput = {
  image: 'registry.example.com/train:v1',
  entrypoint: ['python', 'train.py'],
  args: ['--epochs', '3'],
  inputs: [
    { path: '/in/data', tags: tags('type:raw', 'mode:train') },
    { path: '/in/parameters', tags: tags('type:parameters') },
  ],
  outputs: [{ path: '/out/model', tags: tags('type:model', 'format:onnx') }],
  log: { tags: tags('type:log') },
  on_node: { may: ['disk=ssd', 'zone=a'], prefer: ['cpu=fast'], must: ['accelerator=gpu'] },
  active: true,
  resources: { cpu: '2', memory: '4Gi' },
  annotations: ['owner=alice', 'team=blue'],
  service_account: 'trainer',
};

const identityOf = (input: PlanInput): string => planIdentity(definePlan(input)).toString('hex');

describe('a plan', () => {
  test('comes back with every field in its one spelling', () => {
    const spelled = definePlan({
      ...plan,
      image: 'train',
      inputs: [
        { path: '/b/', tags: tags('z:1', 'a: 2 ') },
        { path: '/a', tags: tags('b:1') },
      ],
      annotations: [' b = 1 ', 'a=2'],
    });
    expect(spelled.image).toEqual({ repository: 'train', tag: 'latest' });
    expect(spelled.inputs).toEqual([
      { path: '/a', tags: tags('b:1') },
      { path: '/b', tags: tags('a:2', 'z:1') },
    ]);
    expect(spelled.annotations).toEqual(['a=2', 'b=1']);
  });

  test('needs an image and one input with a tag, and nothing else', () => {
    const least = definePlan({ image: 'train:v1', inputs: [{ path: '/in', tags: tags('a:b') }] });
    expect(least).toEqual({
      image: { repository: 'train', tag: 'v1' },
      inputs: [{ path: '/in', tags: tags('a:b') }],
      outputs: [],
      onNode: {},
      active: true,
      resources: {},
      annotations: [],
      scheduling: { priority: 0 },
    });
    const nulls = { entrypoint: null, args: null, outputs: null, log: null, on_node: null, active: null };
    const more = { resources: null, annotations: null, service_account: null };
    expect(definePlan({ image: 'train:v1', inputs: least.inputs, ...nulls, ...more })).toEqual(least);
  });

  const input = { path: '/in', tags: tags('a:b') };
  const many = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ path: `/${i}`, tags: tags('a:b') }));
  test.each<[string, Partial<PlanInput>, RegExp]>([
    ['without inputs', { inputs: [] }, /has no inputs/],
    ['with an input without tags', { inputs: [{ path: '/in', tags: [] }] }, /input \/in has no tags/],
    ['with two inputs at one path', { inputs: [input, input] }, /path \/in is used twice/],
    [
      'with an output inside an input',
      { outputs: [{ path: '/in/data/x', tags: [] }] },
      /lies inside \/in\/data/,
    ],
    ['with an input inside an output', { outputs: [{ path: '/in', tags: [] }] }, /lies inside \/in$/],
    ['with a relative path', { inputs: [{ ...input, path: 'in' }] }, /"in" can't be the path/],
    [
      'with a system tag on an output',
      { outputs: [{ path: '/out', tags: tags('knit#id:x') }] },
      /output \/out/,
    ],
    ['with a system tag on its log', { log: { tags: tags('knit#transient:failed') } }, /the log names/],
    [
      'with a system tag on an input',
      { inputs: [{ path: '/in', tags: tags('knit#transient:failed') }] },
      /\/in/,
    ],
    ['with a bad image', { image: 'Train' }, /"Train" is not the name of an image/],
    ['with a bad quantity', { resources: { cpu: 'many' } }, /"many" is not a quantity/],
    ['with a bad label', { on_node: { must: ['gpu'] } }, /on_node.must holds "gpu"/],
    ['with a bad annotation', { annotations: ['owner'] }, /"owner" is not an annotation/],
    [
      'with a bad service account',
      { service_account: 'My Account' },
      /"My Account" is not the name of a service/,
    ],
    ['with a zero byte in its arguments', { args: ['a\0b'] }, /zero byte/],
    ['with half a character in its entrypoint', { entrypoint: ['\ud83d'] }, /surrogate/],
    ['with too many inputs', { inputs: many(maxMountpoints + 1) }, /has 101 inputs/],
    ['with too many outputs', { outputs: many(maxMountpoints + 1) }, /has 101 outputs/],
  ])('%s is refused', (_, change, reason) => {
    expectInvalid(() => definePlan({ ...plan, ...change }), reason);
  });

  test('may have as many inputs as are allowed', () => {
    expect(definePlan({ ...plan, inputs: many(maxMountpoints) }).inputs).toHaveLength(maxMountpoints);
  });
});

describe('the identity of a plan', () => {
  test('is 32 bytes that stay the same from version to version', () => {
    expect(identityOf(plan)).toBe('47670b001c7a83ee1e42202eea5a94302e75fd70959c446d06af6e61ac444b54');
  });

  const reordered = <T>(list: readonly T[] | null | undefined) =>
    fc.shuffledSubarray([...(list ?? [])], { minLength: list?.length ?? 0 });
  const retagged = <T extends { readonly tags: readonly Tag[] }>(point: T) =>
    reordered(point.tags).map((tags) => ({ ...point, tags: [...tags, ...tags.slice(0, 1)] }));

  test('does not depend on the order in which sets are written, nor on what is written twice', () => {
    const same = fc
      .record({
        inputs: fc.tuple(...plan.inputs.map(retagged)).chain((points) => reordered(points)),
        outputs: fc.tuple(...(plan.outputs ?? []).map(retagged)),
        may: reordered(plan.on_node?.may).map((labels) => [...labels, ...labels]),
      })
      .map(({ may, ...points }): PlanInput => ({ ...plan, ...points, on_node: { ...plan.on_node, may } }));
    fc.assert(
      fc.property(same, (same) => {
        expect(identityOf(same)).toBe(identityOf(plan));
      }),
    );
  });

  test.each<[string, Partial<PlanInput>]>([
    ['active', { active: false }],
    ['resources', { resources: { cpu: '8' } }],
    ['annotations', { annotations: [] }],
    ['service_account', { service_account: 'other' }],
  ])('does not depend on %s, which may change later', (_, change) => {
    expect(identityOf({ ...plan, ...change })).toBe(identityOf(plan));
  });

  test.each<[string, Partial<PlanInput>, Partial<PlanInput>]>([
    ['a tag of latest that is left out', { image: 'train' }, { image: 'train:latest' }],
    ['an empty list of arguments and none', { args: [] }, { args: null }],
    ['an empty entrypoint and none', { entrypoint: [] }, { entrypoint: null }],
    [
      'a trailing slash',
      { outputs: [{ path: '/out/', tags: [] }] },
      { outputs: [{ path: '/out', tags: [] }] },
    ],
    ['no placement, written in two ways', { on_node: {} }, { on_node: { may: [], prefer: null } }],
  ])('does not depend on %s', (_, one, other) => {
    expect(identityOf({ ...plan, ...one })).toBe(identityOf({ ...plan, ...other }));
  });

  const [data, parameters] = plan.inputs as [PlanInput['inputs'][0], PlanInput['inputs'][0]];
  const variants: [string, Partial<PlanInput>][] = [
    ['as it is', {}],
    ['another repository', { image: 'registry.example.com/test:v1' }],
    ['another registry', { image: 'train:v1' }],
    ['another version of the image', { image: 'registry.example.com/train:v2' }],
    ['another entrypoint', { entrypoint: ['python', 'test.py'] }],
    ['an entrypoint in another order', { entrypoint: ['train.py', 'python'] }],
    ['an entrypoint in one word', { entrypoint: ['python train.py'] }],
    ['no entrypoint', { entrypoint: null }],
    ['other arguments', { args: ['--epochs', '4'] }],
    ['arguments in another order', { args: ['3', '--epochs'] }],
    ['no arguments', { args: null }],
    ['arguments as entrypoint', { entrypoint: ['python', 'train.py', '--epochs', '3'], args: null }],
    ['one input less', { inputs: [data] }],
    ['another path', { inputs: [{ ...data, path: '/in/other' }, parameters] }],
    ['another tag of an input', { inputs: [{ ...data, tags: tags('type:raw', 'mode:test') }, parameters] }],
    ['a tag less', { inputs: [{ ...data, tags: tags('type:raw') }, parameters] }],
    [
      'inputs with their tags exchanged',
      {
        inputs: [
          { ...data, tags: parameters.tags },
          { ...parameters, tags: data.tags },
        ],
      },
    ],
    ['an output that is an input', { inputs: [data], outputs: [parameters, ...(plan.outputs ?? [])] }],
    ['no output', { outputs: [] }],
    ['another tag of an output', { outputs: [{ path: '/out/model', tags: tags('type:model') }] }],
    ['no log', { log: null }],
    ['a log without tags', { log: { tags: [] } }],
    ['another tag of the log', { log: { tags: tags('type:messages') } }],
    [
      'a log that is an output',
      { log: null, outputs: [...(plan.outputs ?? []), { path: '/log', tags: tags('type:log') }] },
    ],
    ['another must', { on_node: { ...plan.on_node, must: ['accelerator=tpu'] } }],
    [
      'a may that is a prefer',
      { on_node: { prefer: plan.on_node?.may, may: plan.on_node?.prefer, must: plan.on_node?.must } },
    ],
    ['no placement', { on_node: null }],
  ];
  test('differs as soon as anything else does', () => {
    const identities = new Map(variants.map(([name, change]) => [identityOf({ ...plan, ...change }), name]));
    expect([...identities.values()]).toEqual(variants.map(([name]) => name));
  });
});
