import { Invalid } from '@knitfab/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type PlanFile, parsePlans } from '../src/plan-file/parse.ts';
import { decodeText } from '../src/yaml/decode-text.ts';

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

const parsePlan = (source: string): PlanFile => parsePlans(source, 'plan.yaml')[0] as PlanFile;

function refusal(source: string): Invalid {
  try {
    parsePlan(source);
  } catch (error) {
    if (error instanceof Invalid) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a Plan in YAML', () => {
  it('has the field names of the API', () => {
    const { plan, warnings } = parsePlan(good);
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
    ['a key that is there twice', `${good}image: again:v1\n`, /^plan.yaml:11:1: the field is there twice/],
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
      'a list that has to be text',
      good.replace('"10"', '[10]'),
      /^plan.yaml:2:20: args\[1\] must be text, not a list/,
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
    ['a tab', good.replace('  - path: /in', '\t- path: /in'), /^plan.yaml:4:1: it is not YAML: a tab/],
    [
      'a list for a text',
      good.replace('repo/train:v1', '[a]'),
      /^plan.yaml:1:8: image must be text, not a list/,
    ],
    [
      'a text for a list',
      good.replace('["--epochs", "10"]', '--epochs'),
      /^plan.yaml:2:7: args must be a list, not text/,
    ],
    [
      'a text for an object',
      good.replace('{cpu: 2, memory: 1Gi}', 'cpu'),
      /^plan.yaml:10:12: resources must be/,
    ],
    [
      'a field that has a list of its own',
      `${good}log: {tags: {a: b}}\n`,
      /^plan.yaml:11:13: log.tags must be a list/,
    ],
    ['an unknown alias', good.replace('["type:raw"]', '*tags'), /^plan.yaml:5:11: there is no anchor &tags/],
    [
      'nothing but nesting',
      `${'['.repeat(5000)}${']'.repeat(5000)}`,
      /^plan.yaml:1:\d+: this is nested too deeply/,
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

  it.each([
    ['imputs: []\n', 'plan.yaml:11:1: the field "imputs" means nothing here', 'Did you mean "inputs"?'],
    [
      'log: {tags: [], tag: x}\n',
      'plan.yaml:11:17: the field "tag" means nothing here',
      'Did you mean "tags"?',
    ],
    [
      'on_node: {mit: []}\n',
      'plan.yaml:11:11: the field "mit" means nothing here',
      'There are may, prefer, must.',
    ],
    [
      'serviceAccount: x\n',
      'plan.yaml:11:1: the field "serviceAccount" means nothing here',
      'Did you mean "service_account"?',
    ],
    ['42: x\n', 'plan.yaml:11:1: the field "42" means nothing here', 'There are image, entrypoint'],
  ])(
    'is refused when a field means nothing (%j), with the one that was probably meant',
    (line, reason, advice) => {
      const problem = refusal(good + line);
      expect(problem.reason).toBe(reason);
      expect(problem.advice).toContain(advice);
    },
  );

  it('is refused in a mountpoint, too', () => {
    expect(refusal(good.replace('    tags:\n', '    tag: x\n    tags:\n')).reason).toMatch(
      /^plan.yaml:8:5: the field "tag"/,
    );
  });

  it('names every field that still has to be filled in', () => {
    const { reason, advice } = refusal(
      good.replace('repo/train:v1', '(fill in)').replace('"10"', '"(fill in)"'),
    );
    expect(reason).toBe('plan.yaml:1:8: image still has to be filled in');
    expect(advice).toContain('plan.yaml:2:20');
  });

  it('reads numbers and booleans as text where text belongs, as they were written', () => {
    const { args } = parsePlan(good.replace('"10"', '1.50, 0x1F, true, 1e3')).plan;
    expect(args?.slice(1)).toEqual(['1.50', '0x1F', 'true', '1e3']);
  });

  it.each([
    ['yes', true],
    ['No', false],
    ['on', true],
    ['false', false],
  ])('reads `active: %s` as %s', (word, active) => {
    expect(parsePlan(`${good}active: ${word}\n`).plan.active).toBe(active);
  });

  it('refuses other words for active', () => {
    expect(refusal(`${good}active: maybe\n`).reason).toBe(
      'plan.yaml:11:9: active must be true or false, not text',
    );
  });

  it('may have the line ends of Windows, and a byte order mark', () => {
    const bytes = Buffer.from(`\uFEFF${good.replaceAll('\n', '\r\n')}`);
    expect(parsePlan(decodeText(bytes, 'plan.yaml'))).toEqual(parsePlan(good));
    expect(refusal(good.replaceAll('\n', '\r\n').replace('type:raw', 'raw')).reason).toMatch(
      /^plan.yaml:5:12/,
    );
  });

  it.each([
    ['UTF-16 with its mark', Buffer.from(`\uFEFF${good}`, 'utf16le'), /plan.yaml is UTF-16/],
    ['UTF-16 without its mark', Buffer.from(good, 'utf16le'), /plan.yaml is UTF-16/],
    ['UTF-16 the other way round', Buffer.from(`\uFEFF${good}`, 'utf16le').swap16(), /plan.yaml is UTF-16/],
    [
      'Shift_JIS',
      Buffer.concat([Buffer.from(good), Buffer.from('annotations: ["n=\x93\xfa"]\n', 'latin1')]),
      /plan.yaml:11: this is not UTF-8/,
    ],
  ])('is refused in %s', (_, bytes, reason) => {
    expect(() => decodeText(bytes, 'plan.yaml')).toThrow(reason);
  });

  it('is one of several when they stand behind each other, each with the right lines', () => {
    const two = `---\n${good}---\n${good.replace(':v1', ':v2')}...\n---\n`;
    expect(parsePlans(two, 'plan.yaml').map(({ plan }) => plan.image)).toEqual([
      'repo/train:v1',
      'repo/train:v2',
    ]);
    expect(refusal(two.replace('repo/train:v2', 'Repo')).reason).toMatch(/^plan.yaml:13:8: "Repo"/);
  });

  it('may merge what an anchor names', () => {
    const merged = `${good}log:\n  <<: {tags: ["type:log"]}\n`;
    expect(parsePlan(merged).plan.log).toEqual({ tags: [{ key: 'type', value: 'log' }] });
  });

  it('is warned of when its image has no tag', () => {
    expect(parsePlan(good.replace(':v1', '')).warnings[0]).toContain('name a tag');
    expect(parsePlan(good.replace(':v1', ':latest')).warnings).toEqual([]);
  });

  it('may use anchors, but not to blow up', () => {
    const anchors = good
      .replace('["type:raw"]', '&tags ["type:raw"]')
      .replace('\n      - type:model', ' *tags');
    expect(parsePlan(anchors).plan.outputs).toEqual([
      { path: '/out', tags: [{ key: 'type', value: 'raw' }] },
    ]);
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(',')}]`,
    );
    expect(refusal(`l0: &l0 ["x"]\n${levels.join('\n')}\n${good}`).reason).toContain('aliases');
  });
});

describe('any text', () => {
  const refusedOrRead = (source: string): boolean => {
    try {
      return parsePlans(source, 'plan.yaml').length > 0;
    } catch (error) {
      return error instanceof Invalid && error.reason.startsWith('plan.yaml');
    }
  };

  it('is a Plan, or is refused with the name of the file', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), refusedOrRead));
    fc.assert(fc.property(fc.json(), refusedOrRead));
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(...good.split(/(?<=[\n:[\]{},"' -])/), '&a ', '*a', '<<: ', '? ', '| ', '!!set '),
          { maxLength: 40 },
        ),
        (parts) => refusedOrRead(parts.join('')),
      ),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(5), fc.string({ maxLength: 5 }), (at, count, put) =>
        refusedOrRead(good.slice(0, at) + put + good.slice(at + count)),
      ),
      { numRuns: 500 },
    );
  });

  it('of any bytes is text, or is refused with the name of the file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        try {
          return typeof decodeText(bytes, 'plan.yaml') === 'string';
        } catch (error) {
          return error instanceof Invalid && error.reason.startsWith('plan.yaml');
        }
      }),
    );
  });

  it('that YAML writes of a Plan is that Plan', () => {
    const word = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .filter((text) => !text.includes('\0') && text !== '(fill in)');
    const tag = fc
      .tuple(
        word.filter(
          (key) => /^[^:\s\p{C}][^:\p{C}]*$/u.test(key) && key.trim() === key && !key.startsWith('knit#'),
        ),
        word.filter((value) => !/\p{C}/u.test(value) && value.trim() === value),
      )
      .map(([key, value]) => ({ key, value }));
    const plan = fc.record({
      image: fc.constantFrom('host:v1', 'registry.example.com:5000/team/train:v1.2'),
      entrypoint: fc.array(word, { minLength: 1 }),
      args: fc.array(word),
      inputs: fc.uniqueArray(
        fc.record({ path: fc.stringMatching(/^\/in-[a-z]{1,5}$/), tags: fc.array(tag, { minLength: 1 }) }),
        { minLength: 1, selector: ({ path }) => path },
      ),
      active: fc.boolean(),
    });
    fc.assert(
      fc.property(plan, fc.boolean(), (given, asText) => {
        const inputs = given.inputs.map(({ path, tags }) => ({
          path,
          tags: asText ? tags.map(({ key, value }) => `${key}:${value}`) : tags,
        }));
        expect(parsePlan(stringify({ ...given, inputs })).plan).toEqual({ ...given, outputs: [] });
      }),
    );
  });
});
