import { definePlan, Invalid, type PlanInput } from '@knitfab/core';
import { describe, expect, it } from 'vitest';
import { parsePlan } from '../src/plan-file/parse.ts';
import { planTemplate } from '../src/plan-file/template.ts';

const good = `image: repo/train:v1
args: ["--epochs", "10"]
inputs:
  - path: /in/data
    tags: ["type:raw"]
outputs:
  - path: /out
    tags:
      - type:model
resources: {cpu: 2, memory: 1Gi}
`;

function refusal(source: string): Invalid {
  try {
    parsePlan(source, 'plan.yaml');
  } catch (error) {
    if (error instanceof Invalid) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a Plan in YAML', () => {
  it('has the field names of the API', () => {
    const { plan, warnings } = parsePlan(good, 'plan.yaml');
    expect(plan).toMatchObject({
      image: 'repo/train:v1',
      inputs: [{ path: '/in/data', tags: [{ key: 'type', value: 'raw' }] }],
      resources: { cpu: '2', memory: '1Gi' },
    });
    expect(warnings).toEqual([]);
  });

  it.each([
    [
      'a mistake in YAML',
      good.replace('["--epochs", "10"]', '["--epochs", "10"'),
      /^plan.yaml:\d+:\d+: it is not YAML/,
    ],
    [
      'a key that is there twice',
      `${good}image: again:v1\n`,
      /^plan.yaml:11:1: it is not YAML: Map keys must be unique/,
    ],
    [
      'a tag without ":"',
      good.replace('type:raw', 'raw'),
      /^plan.yaml:5:12: inputs\[0\].tags\[0\]: "raw" is not a tag/,
    ],
    [
      'a system tag on an output',
      good.replace('- type:model', '- knit#foo:1'),
      /^plan.yaml:9:7: the output \/out names the system tag/,
    ],
    ['a relative path', good.replace('/in/data', 'in/data'), /^plan.yaml:4:11: "in\/data" can't be the path/],
    [
      'paths that overlap',
      good.replace('/out', '/in/data/x'),
      /^plan.yaml:7:11: the path \/in\/data\/x lies inside \/in\/data/,
    ],
    ['no image', good.replace(/image.*\n/, ''), /^plan.yaml:1:1: image is missing/],
    [
      'a bad image',
      good.replace('repo/train:v1', 'Repo:v1'),
      /^plan.yaml:1:8: "Repo:v1" is not the name of an image/,
    ],
    [
      'a number that has to be text',
      good.replace('"10"', '10'),
      /^plan.yaml:2:20: args\[1\] must be text, not a number/,
    ],
    ['a bad quantity', good.replace('1Gi', '1GB'), /^plan.yaml:10:29: "1GB" is not a quantity/],
    ['no inputs', 'image: a:b\ninputs: []\n', /^plan.yaml:2:9: the plan has no inputs/],
    [
      'an input without tags',
      good.replace('["type:raw"]', '[]'),
      /^plan.yaml:\d+:\d+: the input \/in\/data has no tags/,
    ],
    ['nothing', '', /^plan.yaml:1:1: the input must be an object/],
    ['a list', '- a\n', /^plan.yaml:1:1: the input must be an object, not a list/],
    [
      'a bad label',
      `${good}on_node: {must: ["no label"]}\n`,
      /^plan.yaml:11:18: on_node.must holds "no label"/,
    ],
    ['a bad annotation', `${good}annotations: [owner]\n`, /^plan.yaml:11:15: "owner" is not an annotation/],
  ])('is refused with line and column for %s', (_, source, reason) => {
    expect(refusal(source).reason).toMatch(reason);
  });

  it('says what YAML made of a tag with a space', () => {
    const problem = refusal(good.replace('- type:model', '- type: model'));
    expect(problem.reason).toMatch(/^plan.yaml:9:9: outputs\[0\].tags\[0\]: must be a tag/);
    expect(problem.advice).toContain('leave the space out');
  });

  it('is warned of when a field means nothing, with the one that was probably meant', () => {
    const { warnings } = parsePlan(`${good}imputs: []\nlog: {tags: [], tag: x}\n`, 'plan.yaml');
    expect(warnings).toEqual([
      'plan.yaml:11:1: the field "imputs" means nothing here and is ignored. Did you mean "inputs"?',
      'plan.yaml:12:17: the field "tag" means nothing here and is ignored. Did you mean "tags"?',
    ]);
  });

  it('is warned of when its image has no tag', () => {
    expect(parsePlan(good.replace(':v1', ''), 'plan.yaml').warnings[0]).toContain('name a tag');
    expect(parsePlan(good.replace(':v1', ':latest'), 'plan.yaml').warnings).toEqual([]);
  });

  it('may use anchors, but not to blow up', () => {
    const anchors = good
      .replace('["type:raw"]', '&tags ["type:raw"]')
      .replace('\n      - type:model', ' *tags');
    expect(parsePlan(anchors, 'plan.yaml').plan.outputs).toEqual([
      { path: '/out', tags: [{ key: 'type', value: 'raw' }] },
    ]);
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(',')}]`,
    );
    expect(refusal(`l0: &l0 ["x"]\n${levels.join('\n')}\n${good}`).reason).toContain('aliases');
  });
});

describe('a template', () => {
  it('is a Plan, with the tags and resources of knitenv', () => {
    const env = { tags: [{ key: 'project', value: 'spam: "x"' }], resources: { memory: '4Gi' } };
    const { plan, warnings } = parsePlan(planTemplate('repo/train:v1', env), 'template');
    const defined = definePlan(plan as PlanInput);
    expect(defined.image).toEqual({ repository: 'repo/train', tag: 'v1' });
    for (const { tags } of [...defined.inputs, ...defined.outputs]) expect(tags).toContainEqual(env.tags[0]);
    expect(defined.resources).toEqual({ cpu: '1', memory: '4Gi' });
    expect(warnings).toEqual([]);
  });
});
