import { definePlan, Invalid, KnitError, planIdentity } from '@knitfab/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { endpoints, openApi, planSpec, readable, tagChange } from '../src/index.ts';

/** Text of all that tags and their like are made of: letters, separators, white space, control characters, half pairs. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      ...':=,/ .-+"%#aZ0',
      '\t',
      '\n',
      '\u0000',
      '\u007f',
      '\u0085',
      '\u00a0',
      '\u3000',
      '\ufeff',
      '\u2028',
    ),
    fc.constantFrom('ガ', 'カ\u3099', '🧶', 'é', 'e\u0301', 'knit#', '\u200b'),
  ),
  maxLength: 8,
});

/** Whether a schema takes it; whatever else happens is a defect. */
function takes(schema: z.ZodType, input: unknown): boolean {
  const result = schema.safeParse(input);
  if (result.success) return true;
  expect(readable(result.error)).toBeInstanceOf(Invalid);
  return false;
}

describe('the patterns of the OpenAPI document', () => {
  const { schemas } = openApi('1').components;
  const pattern = (schema: unknown) => new RegExp((schema as { pattern: string }).pattern, 'u');
  const isUserTag = (key: string) => !key.trim().startsWith('knit#');

  it('take exactly the tags that the server takes, as text', () => {
    const documented = pattern(schemas.TagText);
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          fc.tuple(text, text).map(([key, value]) => `${key}:${value}`),
        ),
        (given) => {
          fc.pre(isUserTag(given));
          expect(documented.test(given), JSON.stringify(given)).toBe(takes(tagChange, { add: [given] }));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('take exactly the tags that the server takes, as objects', () => {
    const { key: keySchema, value: valueSchema } = (
      schemas.TagObject as { properties: Record<string, unknown> }
    ).properties;
    fc.assert(
      fc.property(text, text, (key, value) => {
        fc.pre(!key.startsWith('knit#'));
        const isDocumented = pattern(keySchema).test(key) && pattern(valueSchema).test(value);
        expect(isDocumented, JSON.stringify({ key, value })).toBe(
          takes(tagChange, { add: [{ key, value }] }),
        );
      }),
      { numRuns: 2000 },
    );
  });
});

describe('whatever is sent', () => {
  const anything = fc
    .jsonValue({ maxDepth: 4, stringUnit: 'binary' })
    .map((value) => JSON.parse(JSON.stringify(value)));
  const mountpoints = fc.oneof(
    anything,
    fc.array(
      fc.record(
        { path: text.map((path) => `/${path}`), tags: fc.oneof(anything, fc.array(text)) },
        { requiredKeys: [] },
      ),
    ),
  );
  const almostPlan = fc.record(
    {
      image: fc.oneof(anything, fc.constantFrom('host:v1', 'localhost:30503/prep:v1'), text),
      entrypoint: fc.oneof(anything, fc.array(text)),
      args: fc.oneof(anything, fc.array(text)),
      inputs: mountpoints,
      outputs: mountpoints,
      log: fc.oneof(anything, fc.record({ tags: fc.array(text) })),
      active: anything,
      resources: fc.oneof(anything, fc.dictionary(text, fc.oneof(text, fc.double()))),
      on_node: fc.oneof(anything, fc.record({ must: fc.array(text) })),
      annotations: fc.oneof(anything, fc.array(text)),
      service_account: fc.oneof(anything, text),
    },
    { requiredKeys: [] },
  );

  it('as a Plan is defined, or refused for a reason', () => {
    fc.assert(
      fc.property(fc.oneof(anything, almostPlan), (given) => {
        const result = planSpec.safeParse(given);
        if (!result.success) {
          expect(readable(result.error).reason).not.toBe('');
          return;
        }
        try {
          expect(planIdentity(definePlan(result.data))).toHaveLength(32);
        } catch (error) {
          expect(error).toBeInstanceOf(Invalid);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each(Object.entries(endpoints))(
    'as query or body of %s is read, or refused for a reason',
    (_, { query, body }) => {
      const names = Object.keys(
        (z.toJSONSchema(query, { io: 'input' }) as { properties?: object }).properties ?? {},
      );
      const value = fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 }));
      const values = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
      fc.assert(
        fc.property(values, anything, (givenQuery, givenBody) => {
          for (const [schema, given] of [
            [query, givenQuery],
            [body, givenBody],
          ] as const) {
            try {
              if (schema) takes(schema as z.ZodType, given);
            } catch (error) {
              expect(error).toBeInstanceOf(KnitError);
            }
          }
        }),
      );
    },
  );
});

it('a Plan is the same Plan after a journey as JSON, whatever the order of its sets', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,7}$/);
  const tags = fc.uniqueArray(
    fc.tuple(word, word).map(([key, value]) => `${key}:${value}`),
    { minLength: 1, maxLength: 4 },
  );
  const points = fc.uniqueArray(word, { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(
      points,
      tags,
      fc.array(text.filter((each) => each.isWellFormed() && !each.includes('\0'))),
      fc.array(word),
      (names, list, args, labels) => {
        const [first, ...rest] = names.map((name) => ({ path: `/${name}`, tags: list }));
        const spec = {
          image: 'host:v1',
          args,
          inputs: [first],
          outputs: rest,
          on_node: { may: labels.map((label) => `${label}=x`) },
        };
        const shuffled = {
          ...spec,
          outputs: rest
            .toReversed()
            .map(({ path, tags: own }) => ({ tags: own.toReversed(), path: `${path}/` })),
          on_node: { may: spec.on_node.may.toReversed() },
        };
        const identity = (given: unknown) =>
          planIdentity(definePlan(planSpec.parse(JSON.parse(JSON.stringify(given))))).toString('hex');
        expect(identity(shuffled)).toBe(identity(spec));
      },
    ),
  );
});
