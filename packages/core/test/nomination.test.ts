import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changedTags,
  definePlan,
  explainStanding,
  formatTag,
  missingTags,
  type PlanInput,
  parseTag,
  planWarnings,
  type Standing,
} from '../src/index.ts';

const tags = fc.uniqueArray(fc.constantFrom<string>('a:1', 'a:2', 'b:1', 'c:1', 'c:2'));

test('no tag is missing exactly when a Data has all that are asked for', () => {
  fc.assert(
    fc.property(tags, tags, (asked, has) => {
      const missing = missingTags(asked, has);
      expect(missing.length === 0).toBe(asked.every((tag) => has.includes(tag)));
      expect(missingTags(asked, [...has, ...missing])).toEqual([]);
      expect(missing.filter((tag) => has.includes(tag))).toEqual([]);
    }),
  );
});

test('a change of tags removes first: what is added stays, what is removed by tag or key goes', () => {
  fc.assert(
    fc.property(tags, tags, tags, fc.subarray(['a', 'b', 'c']), (before, add, remove, removeKeys) => {
      const read = (list: string[]) => list.map(parseTag);
      const after = changedTags(read(before), { add: read(add), remove: read(remove), removeKeys }).map(
        formatTag,
      );
      const isGone = (tag: string) => remove.includes(tag) || removeKeys.includes(parseTag(tag).key);
      expect(after).toEqual([...new Set([...before.filter((tag) => !isGone(tag)), ...add])].sort());
    }),
  );
});

describe('why a Data is used or not', () => {
  const standing: Standing = {
    isNominated: true,
    status: 'done',
    missing: [],
    runs: 0,
    emptyInputs: [],
    isProjected: true,
    isPlanActive: true,
  };
  const notNominated = { ...standing, isNominated: false, isProjected: false };

  test.each([
    [{ ...standing, runs: 2 }, 'it is nominated, and 2 Runs use it'],
    [{ ...standing, emptyInputs: ['/a', '/b'] }, 'it is nominated, but there is no Data for /a, /b yet'],
    [{ ...standing, isProjected: false }, 'it is nominated, and its Runs are about to be made'],
    [standing, 'it is nominated; the Runs that used it are deleted, and no combination is run twice'],
    [
      { ...standing, runs: 1, isPlanActive: false },
      'it is nominated, and one Run uses it; the Plan is inactive: its Runs are not started',
    ],
    [{ ...notNominated, missing: ['a:1'] }, 'it lacks a:1'],
    [notNominated, 'it fits, and is about to be nominated'],
    [
      { ...notNominated, status: 'running' as const, missing: ['a:1'] },
      'the Run that makes it is running, and only Data of Runs that are done are used; besides, it lacks a:1',
    ],
    [
      { ...notNominated, status: 'failed' as const },
      'the Run that makes it has failed, and only Data of Runs that are done are used',
    ],
  ])('%# is said in one sentence', (given, sentence) => {
    expect(explainStanding(given)).toBe(sentence);
  });
});

describe('a Plan is warned about', () => {
  const warned = (rest: Partial<PlanInput>) =>
    planWarnings(
      definePlan({
        image: 'repo:v1',
        inputs: [{ path: '/in', tags: [parseTag('a:1')] }],
        outputs: [{ path: '/out', tags: [parseTag('b:1')] }],
        ...rest,
      }),
    );

  test('not at all when nothing is odd', () => {
    expect(warned({})).toEqual([]);
  });

  test('when its image moves, it is inactive, or leaves nothing behind', () => {
    expect(warned({ image: 'repo' })[0]).toContain('"latest"');
    expect(warned({ active: false })[0]).toContain('inactive');
    expect(warned({ outputs: [] })[0]).toContain('leave nothing behind');
  });

  test('when it feeds itself for ever; an input that pins one Data ends that', () => {
    const outputs = [{ path: '/out', tags: [parseTag('a:1'), parseTag('b:1')] }];
    expect(warned({ outputs })[0]).toContain('the output /out fits the input /in');
    expect(warned({ log: { tags: [parseTag('a:1')] } })[0]).toContain('the log fits the input /in');
    const pinned = ['a:1', 'knit#id:01a20556-3a49-7e5c-a2be-331ca2fdc3e4'].map(parseTag);
    expect(warned({ outputs, inputs: [{ path: '/in', tags: pinned }] })).toEqual([]);
  });
});
