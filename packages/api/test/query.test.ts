import { type Invalid, NotFound } from '@knitfab/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { endpoints, readable } from '../src/index.ts';

const id = 'df5bb638-9ae8-47e4-b378-1bd6fc33157e';
const other = '500ec151-e5b0-4fab-b561-27870bf04d20';
const findData = (query: object) => endpoints.findData.query.parse(query);
const findRuns = (query: object) => endpoints.findRuns.query.parse(query);
const findPlans = (query: object) => endpoints.findPlans.query.parse(query);
const getLineage = (query: object) => endpoints.getLineage.query.parse(query);

function refused(parse: () => unknown): Invalid {
  try {
    parse();
  } catch (error) {
    if (error instanceof z.ZodError) return readable(error);
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('tags of a query', () => {
  it('may come once, several times, or not at all', () => {
    expect(findData({})).toEqual({ tags: [] });
    expect(findData({ tag: '' }).tags).toEqual([]);
    expect(findData({ tag: 'a:b' }).tags).toEqual([{ key: 'a', value: 'b' }]);
    expect(findData({ tag: ['a:b', 'c: d '] }).tags).toHaveLength(2);
  });

  it('name equal instants by the same text', () => {
    const tag = ['knit#timestamp:2024-03-06T09:25:16Z', 'knit#timestamp:2024-03-06T18:25:16.000+09:00'];
    const [a, b] = findData({ tag }).tags;
    expect(a).toEqual(b);
  });

  it('are refused when malformed', () => {
    expect(refused(() => findData({ tag: 'raw' })).reason).toContain('"raw" is not a tag');
    expect(refused(() => findPlans({ in_tag: 'raw' })).reason).toMatch(/^in_tag:/);
  });
});

describe('since and duration', () => {
  it('give a half-open interval', () => {
    expect(findData({ since: '2024-03-06T09:25:16.586Z', duration: '24h0m0s' })).toMatchObject({
      since: new Date('2024-03-06T09:25:16.586Z'),
      until: new Date('2024-03-07T09:25:16.586Z'),
    });
  });

  it('hold exactly the whole milliseconds that lie in them, however fine they are given', () => {
    const since = Date.parse('2024-03-06T09:25:16.000Z');
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 999_999_999 }),
        fc.integer({ min: 1, max: 3_000_000_000 }),
        fc.constantFrom(-1, 0, 1),
        fc.boolean(),
        (nanoseconds, duration, offset, atEnd) => {
          // The milliseconds next to one of the ends.
          const millisecond = Math.floor((nanoseconds + (atEnd ? duration : 0)) / 1e6) + offset;
          const interval = findData({
            since: `2024-03-06T09:25:16.${String(nanoseconds).padStart(9, '0')}Z`,
            duration: `${duration}ns`,
          });
          const time = new Date(since + millisecond);
          const inside = millisecond * 1e6 >= nanoseconds && millisecond * 1e6 < nanoseconds + duration;
          const found = time >= (interval.since ?? 0) && time < (interval.until ?? 0);
          expect(found).toBe(inside);
        },
      ),
    );
  });

  it('take an unescaped "+" of the offset, which URLs turn into a space', () => {
    expect(findRuns({ since: '2024-03-06T09:00:00 09:00' }).since).toEqual(new Date('2024-03-06T00:00:00Z'));
  });

  it('are refused when malformed, or without each other', () => {
    expect(refused(() => findData({ duration: '1h' })).reason).toContain('without since');
    expect(refused(() => findData({ since: 'yesterday' })).reason).toContain('not a time');
    expect(refused(() => findData({ since: '2024-03-06T09:00:00Z', duration: '0s' })).reason).toContain(
      'positive',
    );
  });
});

describe('filters of Runs', () => {
  it('are comma-separated lists, and lists may be repeated', () => {
    const filter = findRuns({ plan: `${id},${other}`, knitIdInput: [id, other], status: 'done, failed,' });
    expect(filter.planIds).toEqual([id, other]);
    expect(filter.knitIdInputs).toEqual([id, other]);
    expect(filter.statuses).toEqual(['done', 'failed']);
  });

  it('are left out when they are blank, as some clients send them', () => {
    expect(
      findRuns({ plan: '', knitIdInput: '', knitIdOutput: ',', status: '', since: '', duration: '' }),
    ).toEqual({});
  });

  it('let a malformed id fit nothing, and not everything', () => {
    const { planIds } = findRuns({ plan: 'foo' });
    expect(planIds).toHaveLength(1);
    expect(planIds).not.toContain('foo');
  });

  it('refuse an unknown status and list the known ones', () => {
    const problem = refused(() => findRuns({ status: 'done,invalidated' }));
    expect(problem.reason).toContain('"invalidated"');
    expect(problem.advice).toContain('deactivated, waiting, ready, starting, running');
  });
});

describe('filters of Plans', () => {
  it('tell an image with a tag from one without', () => {
    expect(findPlans({ image: 'localhost:5000/prep' }).image).toEqual({ repository: 'localhost:5000/prep' });
    expect(findPlans({ image: 'prep:latest' }).image).toEqual({ repository: 'prep', tag: 'latest' });
    expect(refused(() => findPlans({ image: 'PREP' })).reason).toContain('not the name of an image');
  });

  it('take true and false for active', () => {
    expect(findPlans({ active: 'false' }).active).toBe(false);
    expect(findPlans({})).not.toHaveProperty('active');
    expect(refused(() => findPlans({ active: 'yes' })).reason).toContain('neither true nor false');
  });
});

describe('a lineage', () => {
  it('starts at a Data or a Run, goes both ways, and three Data far unless told otherwise', () => {
    expect(getLineage({ knitId: id })).toEqual({ root: { knitId: id }, direction: 'both', depth: 3 });
    expect(getLineage({ runId: id, direction: 'up', depth: 'all' })).toEqual({
      root: { runId: id },
      direction: 'up',
      depth: Number.POSITIVE_INFINITY,
    });
  });

  it('is refused without a start, with two, or with a bad depth or direction', () => {
    expect(refused(() => getLineage({})).reason).toContain('start somewhere');
    expect(refused(() => getLineage({ knitId: id, runId: id })).reason).toContain('start somewhere');
    expect(refused(() => getLineage({ knitId: id, depth: '-1' })).reason).toContain('not a depth');
    expect(refused(() => getLineage({ knitId: id, direction: 'left' })).reason).toContain('not a direction');
  });

  it('of a malformed id is not found', () => {
    expect(() => getLineage({ knitId: 'foo' })).toThrow(NotFound);
  });
});

it('a malformed id in a path is no such thing', () => {
  expect(() => endpoints.getRun.params.parse({ runId: 'foo' })).toThrow(NotFound);
  expect(endpoints.getRun.params.parse({ runId: id.toUpperCase() })).toEqual({ runId: id });
});

it('log?follow counts when it is there, whatever its value', () => {
  expect(endpoints.getRunLog.query.parse({ follow: '' })).toEqual({ follow: true });
  expect(endpoints.getRunLog.query.parse({})).toEqual({ follow: false });
});
