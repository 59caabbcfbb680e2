import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isUuid, NotFound, parseKnitId, parsePlanId, parseRunId } from '../src/index.ts';

describe.each([
  ['Data', parseKnitId],
  ['Plan', parsePlanId],
  ['Run', parseRunId],
])('the id of a %s', (thing, parse) => {
  test('is a UUID, in lower case whatever it was written in', () => {
    fc.assert(
      fc.property(fc.uuid(), (uuid) => {
        expect(parse(uuid.toUpperCase())).toBe(uuid);
        expect(parse(uuid)).toBe(uuid);
      }),
    );
  });

  test.each([
    '',
    '7',
    'df5bb6389ae847e4b3781bd6fc33157e',
    'gf5bb638-9ae8-47e4-b378-1bd6fc33157e',
    '../etc/passwd',
  ])('is not %j: there is no such thing', (text) => {
    expect(isUuid(text)).toBe(false);
    expect(() => parse(text)).toThrow(NotFound);
    expect(() => parse(text)).toThrow(`there is no ${thing} "${text}"`);
  });

  test('has nothing around it', () => {
    const uuid = 'df5bb638-9ae8-47e4-b378-1bd6fc33157e';
    for (const text of [` ${uuid}`, `${uuid}\n`, `{${uuid}}`]) expect(() => parse(text)).toThrow(NotFound);
  });
});
