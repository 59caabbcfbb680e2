import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import {
  dataDetail,
  endpoints,
  errorBody,
  openApi,
  planDetail,
  planSpec,
  runDetail,
  tagChange,
} from '../src/index.ts';

const document = openApi('1.2.3');
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== 'object' || value === null) return [];
  const { $ref, ...rest } = value as { $ref?: string };
  return [...($ref === undefined ? [] : [$ref]), ...Object.values(rest).flatMap(references)];
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(JSON.parse(JSON.stringify(document)));
    expect(result).toEqual({ valid: true });
  });

  it('has examples that are what they are examples of', () => {
    const shapes = { dataDetail, runDetail, planDetail, planSpec, tagChange, errorBody };
    for (const shape of Object.values(shapes)) {
      const { id, examples = [] } = shape.meta() ?? {};
      expect(examples, id).not.toEqual([]);
      for (const example of examples as unknown[])
        expect(shape.safeParse(example), id).toMatchObject({ success: true });
    }
  });

  it('describes every endpoint once, by its name', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(ids.sort()).toEqual(Object.keys(endpoints).sort());
  });

  it('refers to nothing that it does not hold', () => {
    const known = Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`);
    const used = references(document);
    expect(used.length).toBeGreaterThan(50);
    expect(known).toEqual(expect.arrayContaining([...new Set(used)]));
    expect(JSON.stringify(document)).not.toContain('$defs');
  });

  it('declares exactly the parameters that stand in a path', () => {
    for (const { path, operation } of operations) {
      const declared = (operation.parameters ?? []) as { name: string; in: string; required: boolean }[];
      const inPath = declared.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(inPath.every(({ required }) => required)).toBe(true);
    }
  });

  it('gives every operation one success, and every error the same shape', () => {
    for (const { operation } of operations) {
      const responses = operation.responses as Record<string, { description: string; content?: object }>;
      const statuses = Object.keys(responses);
      expect(statuses.filter((status) => status.startsWith('2'))).toHaveLength(1);
      for (const status of statuses.filter((each) => !each.startsWith('2'))) {
        expect(responses[status]?.content).toEqual({
          'application/json': {
            schema: { $ref: '#/components/schemas/Error' },
            example: expect.objectContaining({ message: expect.any(String) }),
          },
        });
      }
    }
  });

  it('names text, lists and choices of a query by their own types', () => {
    const find = document.paths['/api/runs']?.get?.parameters as { name: string; schema: object }[];
    const status = find.find(({ name }) => name === 'status');
    expect(status?.schema).toMatchObject({
      type: 'array',
      items: { enum: expect.arrayContaining(['done']) },
    });
    expect(find.find(({ name }) => name === 'since')?.schema).toMatchObject({ format: 'date-time' });
  });

  it('offers both archive types for a tree, and JSON for a dry run', () => {
    const body = document.paths['/api/data']?.post?.requestBody as { content: object };
    expect(Object.keys(body.content)).toEqual([
      'application/tar+gzip',
      'application/tar+zstd',
      'application/x-tar',
      'application/json',
    ]);
  });
});
