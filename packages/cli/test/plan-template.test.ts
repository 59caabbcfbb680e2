import { definePlan, Invalid, type PlanDefinition, type PlanInput } from '@knitfab/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImageConfiguration } from '../src/image-archive/image.ts';
import { guessMountpoints } from '../src/plan-file/guess-mountpoints.ts';
import { parsePlans } from '../src/plan-file/parse.ts';
import { placeholder } from '../src/plan-file/placeholder.ts';
import { planTemplate, type TemplateSource } from '../src/plan-file/template.ts';

const noEnv = { tags: [], resources: {} };
const image = (configuration: Partial<ImageConfiguration>): ImageConfiguration => ({
  entrypoint: [],
  command: [],
  volumes: [],
  ...configuration,
});

function planOf(text: string): PlanDefinition {
  const plans = parsePlans(text, 'template');
  expect(plans).toHaveLength(1);
  expect(plans[0]?.warnings).toEqual([]);
  return definePlan(plans[0]?.plan as PlanInput);
}

describe('inputs and outputs of an image', () => {
  it.each<[string, Partial<ImageConfiguration>, string[], string[]]>([
    ['volumes', { volumes: ['/in', '/out/model', '/data'] }, ['/in'], ['/out/model']],
    ['arguments', { entrypoint: ['train'], command: ['/in/1', '/out/1', '/etc'] }, ['/in/1'], ['/out/1']],
    ['options', { entrypoint: ['train', '--in=/in/a', '-o', '/out/b'] }, ['/in/a'], ['/out/b']],
    [
      'longer names',
      { command: ['x', '/input/a', '/inputs', '/in-data/b', '/output'] },
      ['/input/a', '/inputs', '/in-data/b'],
      ['/output'],
    ],
    [
      'a shell command',
      { command: ['sh', '-c', 'wc -w /in/mails/* > "/out/counts/words.txt"; cat /in/list'] },
      ['/in/mails', '/in/list'],
      ['/out/counts'],
    ],
    ['a shell command alone', { entrypoint: ['cat /in/a | tee /out/b'] }, ['/in/a'], ['/out/b']],
    ['files', { command: ['x', '/in/a/data.csv', '/out/model.tar.gz'] }, ['/in/a'], ['/out']],
    ['paths within each other', { volumes: ['/in'], command: ['x', '/in/a', '/in/b'] }, ['/in'], []],
    ['nothing', { entrypoint: ['python3', 'main.py'] }, [], []],
    ['the program itself', { entrypoint: ['/inspect'] }, [], []],
    [
      'other words',
      { command: ['x', '/init', '/install.sh', '/index.html', '/usr/in/a', '../out/b', '$HOME/in'] },
      [],
      [],
    ],
  ])('are guessed from %s', (_, configuration, inputs, outputs) => {
    expect(guessMountpoints(image(configuration))).toEqual({ inputs, outputs });
  });
});

describe('a template', () => {
  it('from nothing is a Plan, with the tags and resources of knitenv', () => {
    const env = { tags: [{ key: 'project', value: 'spam: "x"' }], resources: { memory: '4Gi' } };
    const plan = planOf(planTemplate({ image: 'repo/train:v1' }, env));
    expect(plan.image).toEqual({ repository: 'repo/train', tag: 'v1' });
    for (const { tags } of [...plan.inputs, ...plan.outputs]) expect(tags).toContainEqual(env.tags[0]);
    expect(plan.resources).toEqual({ cpu: '1', memory: '4Gi' });
  });

  it('from an image runs what the image runs, on Data that are named as its paths are', () => {
    const configuration = image({ entrypoint: ['train'], command: ['/in/mails', '/in/1', '/out/model'] });
    const text = planTemplate({ image: 'repo/train:v1', configuration }, noEnv);
    const plan = planOf(text);
    expect(plan).not.toHaveProperty('entrypoint');
    expect(text).toContain('# args: ["/in/mails", "/in/1", "/out/model"]');
    expect(plan.inputs.map(({ path, tags }) => [path, tags[0]?.value])).toEqual([
      ['/in/1', 'raw'],
      ['/in/mails', 'mails'],
    ]);
    expect(plan.outputs.map(({ path, tags }) => [path, tags[0]?.value])).toEqual([['/out/model', 'model']]);
  });

  it('names what has to be filled in where nobody can know it', () => {
    const text = planTemplate({ configuration: image({}) }, noEnv);
    expect(() => parsePlans(text, 'template')).toThrow(/template:3:8: image still.*\n.*template:6:14/);
    const filled = text.replace(`"${placeholder}"`, 'host:v1').replace(`"${placeholder}"`, '"true"');
    expect(planOf(filled).entrypoint).toEqual(['true']);
  });

  it('from any image is a Plan that does not feed itself, or names exactly what has to be filled in', () => {
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '/in',
        '/out',
        '/in/x',
        '/out/x',
        '/in/log',
        '/out/log',
        '/in/raw',
        '--a=/in/result',
        placeholder,
        '\u2028',
        '/in/\u202ex',
        '# /in/1',
        '/in/a b',
      ),
      fc.string({ unit: 'binary' }).map((text) => `/in/${text}`),
      fc.string({ unit: 'binary' }).map((text) => `/out/${text}`),
    );
    const source: fc.Arbitrary<TemplateSource> = fc.record(
      {
        image: fc.constant('repo/train:v1'),
        configuration: fc.record({
          entrypoint: fc.array(word),
          command: fc.array(word),
          volumes: fc.array(word),
        }),
      },
      { requiredKeys: ['configuration'] },
    );
    const tag = fc.constantFrom('raw', 'x', 'log', 'result').map((value) => ({ key: 'type', value }));
    fc.assert(
      fc.property(source, fc.uniqueArray(tag, { selector: ({ value }) => value }), (given, tags) => {
        const text = planTemplate(given, { tags, resources: {} });
        const holes = text
          .split('\n')
          .filter((line) => !line.startsWith('#') && line.includes(placeholder)).length;
        const { entrypoint = [], command = [] } = given.configuration ?? {};
        expect(holes).toBe(
          (given.image === undefined ? 1 : 0) + (entrypoint.length + command.length === 0 ? 1 : 0),
        );
        if (holes > 0) expect(() => parsePlans(text, 'template')).toThrow(Invalid);
        const filled = text
          .replace(/^image: "\(fill in\)"$/m, 'image: "host:v1"')
          .replace(/^entrypoint: \["\(fill in\)"\]$/m, 'entrypoint: ["true"]');
        const { inputs, outputs, log } = planOf(filled);
        const made = [...outputs, ...(log ? [log] : [])].map((each) =>
          each.tags.map(({ key, value }) => `${key}:${value}`),
        );
        for (const input of inputs)
          for (const result of made)
            expect(input.tags.every(({ key, value }) => result.includes(`${key}:${value}`))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
