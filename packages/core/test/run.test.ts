import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Conflict,
  exitOfWorker,
  isFinished,
  type RunRequest,
  type RunStatus,
  runStatuses,
  statusAfterRequest,
  statusesBefore,
  transitions,
  visibleRunStatuses,
} from '../src/index.ts';

/** The table of spec page 1, as it is written there, and deletion (its last bullet). */
const table = `
deactivated  waiting, aborting, invalidated
waiting      deactivated, ready, aborting, invalidated
ready        starting, running, completing, aborting
starting     running, completing, aborting
running      completing, aborting
completing   done
aborting     failed
done         waiting, invalidated
failed       waiting, invalidated
invalidated
`;

describe('the life of a Run', () => {
  test('goes along the table of the specification and no other way', () => {
    const expected = table
      .trim()
      .split('\n')
      .map((line) => line.split(/,? +/));
    expect(Object.entries(transitions).map(([from, to]) => [from, ...to])).toEqual(expected);
  });

  test('can be followed backwards', () => {
    fc.assert(
      fc.property(fc.constantFrom(...runStatuses), fc.constantFrom(...runStatuses), (from, to) => {
        expect(statusesBefore(to).includes(from)).toBe(transitions[from].includes(to));
      }),
    );
  });

  test('leads from every status to its end, and from the end of a deleted Run nowhere', () => {
    const reachable = (from: RunStatus, seen = new Set<RunStatus>()): Set<RunStatus> => {
      if (seen.has(from)) return seen;
      seen.add(from);
      for (const to of transitions[from]) reachable(to, seen);
      return seen;
    };
    for (const status of runStatuses) expect(reachable(status)).toContain('invalidated');
    expect(transitions.invalidated).toEqual([]);
  });

  test('is shown in every status but that of a deleted Run', () => {
    expect(runStatuses.filter((status) => !visibleRunStatuses.includes(status as never))).toEqual([
      'invalidated',
    ]);
  });

  test('is finished when it is done or failed', () => {
    expect(runStatuses.filter(isFinished)).toEqual(['done', 'failed']);
  });
});

describe('what a user may ask of a Run', () => {
  const allowed: Record<RunRequest, { from: RunStatus[]; to: RunStatus }> = {
    stop: { from: ['ready', 'starting', 'running'], to: 'completing' },
    abort: { from: ['deactivated', 'waiting', 'ready', 'starting', 'running'], to: 'aborting' },
    retry: { from: ['done', 'failed'], to: 'waiting' },
    delete: { from: ['deactivated', 'waiting', 'done', 'failed'], to: 'invalidated' },
  };
  const cases = Object.entries(allowed).flatMap(([request, { from, to }]) =>
    runStatuses.map(
      (status) => [request as RunRequest, status, from.includes(status) ? to : undefined] as const,
    ),
  );

  test.each(cases.filter(([, , to]) => to !== undefined))(
    '%s takes a Run that is %s to %s',
    (request, from, to) => {
      expect(statusAfterRequest(request, from)).toBe(to);
    },
  );

  test.each(cases.filter(([, , to]) => to === undefined))(
    '%s of a Run that is %s is refused',
    (request, from) => {
      expect(() => statusAfterRequest(request, from)).toThrow(Conflict);
    },
  );

  test('is never against the table', () => {
    for (const [, from, to] of cases) if (to !== undefined) expect(transitions[from]).toContain(to);
  });

  test('is refused with the statuses that would allow it', () => {
    expect(() => statusAfterRequest('stop', 'done')).toThrow(
      expect.objectContaining({
        status: 409,
        reason: "a Run that is done can't be stopped",
        advice: 'Only a Run that is ready, starting or running can.',
      }),
    );
  });
});

test('the exit of a worker tells its reason, but for success', () => {
  expect(exitOfWorker(0, 'Completed')).toEqual({ code: 0, message: '' });
  expect(exitOfWorker(137, 'OOMKilled')).toEqual({ code: 137, message: '(container main) OOMKilled' });
});
