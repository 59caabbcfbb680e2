import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { dataDetail, endpoints, planDetail, planSpec, readable, runDetail, tagChange } from '../src/index.ts';
import { dataExample, planExample, runExample } from './examples.ts';

function problemOf(parse: () => unknown) {
  try {
    parse();
  } catch (error) {
    if (error instanceof z.ZodError) return readable(error);
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('answers', () => {
  it.each([
    ['Data', dataDetail, dataExample],
    ['Run', runDetail, runExample],
    ['Plan', planDetail, planExample],
  ])('of a 1.6 server for a %s are read without loss', (_, schema, example) => {
    expect(schema.parse(JSON.parse(example))).toEqual(JSON.parse(example));
  });

  it('may hold fields of later versions', () => {
    const run = { ...JSON.parse(runExample), weather: 'fine' };
    expect(runDetail.parse(run).runId).toBe(run.runId);
  });

  it('show no invalidated Run', () => {
    expect(runDetail.safeParse({ ...JSON.parse(runExample), status: 'invalidated' }).success).toBe(false);
  });
});

describe('tags on input', () => {
  const read = (add: unknown) => tagChange.parse({ add: [add] }).add[0];

  it('are trimmed as text and kept as an object', () => {
    expect(read(' type : raw : x ')).toEqual({ key: 'type', value: 'raw : x' });
    expect(read({ key: ' type ', value: ' raw ' })).toEqual({ key: ' type ', value: ' raw ' });
  });

  it('keep their reason and advice when core refuses them', () => {
    const problem = problemOf(() => read('raw'));
    expect(problem.reason).toBe('add[0]: "raw" is not a tag: there is no ":" between key and value');
    expect(problem.advice).toContain('key:value');
    expect(problemOf(() => read({ key: 'a:b', value: 'c' })).reason).toContain('holds a ":"');
  });

  it('are text or an object and nothing else', () => {
    expect(problemOf(() => read(5)).reason).toMatch(/^add\[0\]: must be a tag/);
  });

  it('are no system tags when a Data is tagged, in none of the lists', () => {
    for (const change of [
      { add: ['knit#foo:1'] },
      { remove: ['knit#id:1'] },
      { remove_key: ['knit#timestamp'] },
    ]) {
      expect(problemOf(() => tagChange.parse(change)).reason).toContain('system tag');
    }
  });
});

describe('a Plan on input', () => {
  it('may be what 1.6 clients send: null lists, tags as objects, unknown fields', () => {
    const plan = planSpec.parse({
      image: 'repo/prep:v1',
      entrypoint: null,
      args: null,
      inputs: [{ path: '/in', tags: [{ key: 'type', value: 'raw' }] }],
      outputs: null,
      log: { tags: null },
      on_node: null,
      annotations: null,
      weather: 'fine',
    });
    expect(plan.inputs).toEqual([{ path: '/in', tags: [{ key: 'type', value: 'raw' }] }]);
    expect(plan.outputs).toEqual([]);
    expect(plan.log).toEqual({ tags: [] });
    expect(plan).not.toHaveProperty('weather');
  });

  it('takes amounts of resources as numbers too', () => {
    const { resources } = planSpec.parse({
      image: 'a:b',
      inputs: [],
      resources: { cpu: 0.5, memory: '1Gi' },
    });
    expect(resources).toEqual({ cpu: '0.5', memory: '1Gi' });
  });

  it('is refused with the path of the field and words for its type', () => {
    const spec = {
      image: 'a:b',
      inputs: [
        { path: '/in', tags: ['a:b'] },
        { path: 5, tags: [] },
      ],
    };
    expect(problemOf(() => planSpec.parse(spec)).reason).toBe('inputs[1].path must be text, not a number');
    expect(problemOf(() => planSpec.parse({ inputs: [] })).reason).toBe('image is missing');
    expect(problemOf(() => planSpec.parse([])).reason).toBe('the input must be an object, not a list');
    expect(problemOf(() => planSpec.parse({ image: 1, inputs: 2 })).reason).toContain('and 1 more problem');
  });
});

it('every endpoint of the resource table on spec page 2 is there', () => {
  const known = Object.values(endpoints).map(({ method, path }) => `${method} ${path}`);
  const rows = [
    'GET /api/data',
    'POST /api/data',
    'GET /api/data/:knitId',
    'PUT /api/data/:knitId',
    'GET /api/plans',
    'POST /api/plans',
    'GET /api/plans/:planId',
    'PUT /api/plans/:planId/active',
    'DELETE /api/plans/:planId/active',
    'PUT /api/plans/:planId/resources',
    'PUT /api/plans/:planId/annotations',
    'PUT /api/plans/:planId/serviceaccount',
    'DELETE /api/plans/:planId/serviceaccount',
    'GET /api/runs',
    'GET /api/runs/:runId',
    'GET /api/runs/:runId/log',
    'PUT /api/runs/:runId/abort',
    'PUT /api/runs/:runId/tearoff',
    'PUT /api/runs/:runId/retry',
    'DELETE /api/runs/:runId',
  ];
  expect(known).toEqual(expect.arrayContaining(rows));
});
