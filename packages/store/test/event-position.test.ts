import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  covers,
  type EventPlace,
  type EventPosition,
  formatPosition,
  isEarlier,
  parsePosition,
  parseSnapshot,
  type Snapshot,
} from '../src/events/event-position.ts';

const epoch = '01a20556-3a49-4e5c-a2be-331ca2fdc3e4';

const snapshots = fc
  .tuple(fc.uniqueArray(fc.bigInt(3n, 2n ** 63n), { maxLength: 8 }), fc.bigInt(2n ** 63n, 2n ** 64n - 1n))
  .map(([running, xmax]): Snapshot => ({ xmax, running: running.toSorted((a, b) => (a < b ? -1 : 1)) }))
  .filter(({ xmax, running }) => running.every((each) => each < xmax));
const places = fc.record({ transaction: fc.bigInt(3n, 2n ** 63n), number: fc.bigInt(1n, 2n ** 59n) });
const positions: fc.Arbitrary<EventPosition> = fc.record(
  { epoch: fc.constant(epoch), from: snapshots, partly: fc.record({ to: snapshots, after: places }) },
  { requiredKeys: ['epoch', 'from'] },
);

describe('a position as text', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(positions, (position) => {
        expect(parsePosition(formatPosition(position))).toEqual(position);
      }),
    );
  });

  test('may be anything, and is then no position', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parsePosition(text)).toBeUndefined();
      }),
    );
    for (const text of [
      '9:7:',
      '7:9:8,8',
      '7:9:6',
      '7:9:10',
      '1:99999999999999999999:',
      '7:9',
      'a:b:c',
      '7:9:8,',
    ]) {
      expect(parseSnapshot(text), text).toBeUndefined();
    }
  });
});

/** What transactions do, one after the other: each writes an event, and commits at some time. */
interface History {
  /** By time: the transaction that begins (it writes at once), commits, or a look by the reader of so many events. */
  steps: ({ begin: bigint } | { commit: bigint } | { read: number })[];
}

const histories: fc.Arbitrary<History> = fc
  .array(
    fc.oneof(fc.constant('begin' as const), fc.nat(5), fc.record({ read: fc.integer({ min: 1, max: 4 }) })),
    {
      maxLength: 80,
    },
  )
  .map((choices) => {
    const open: bigint[] = [];
    let next = 3n;
    const steps: History['steps'] = [];
    for (const choice of choices) {
      if (choice === 'begin') {
        open.push(next);
        steps.push({ begin: next++ });
      } else if (typeof choice === 'number') {
        // Any of those that are open commits next.
        const [committed] = open.splice(choice % Math.max(1, open.length), 1);
        if (committed !== undefined) steps.push({ commit: committed });
      } else steps.push(choice);
    }
    for (const left of open) steps.push({ commit: left });
    // At the end all is read, in pages.
    for (let page = 0; page <= choices.length; page++) steps.push({ read: 2 });
    return { steps };
  });

test('whoever goes by positions reads every event once, whatever the order of commits and the size of pages', () => {
  fc.assert(
    fc.property(histories, ({ steps }) => {
      const open = new Set<bigint>();
      const committed: EventPlace[] = [];
      const read: EventPlace[] = [];
      let xmax = 3n;
      const present = (): Snapshot => ({ xmax, running: [...open].sort((a, b) => (a < b ? -1 : 1)) });
      let position: EventPosition = { epoch, from: present() };
      for (const step of steps) {
        if ('begin' in step) {
          open.add(step.begin);
          xmax = step.begin + 1n;
        } else if ('commit' in step) {
          open.delete(step.commit);
          // Numbers are given at will: only the transaction tells.
          committed.push({ transaction: step.commit, number: 100n - (step.commit % 7n) });
        } else {
          position = readPage(position, present(), committed, step.read, read);
        }
      }
      const names = (list: EventPlace[]) => list.map(({ transaction }) => transaction).toSorted();
      expect(names(read)).toEqual(names(committed));
    }),
  );
});

/** A page as read-events.ts reads it, of a database that is a list. */
function readPage(
  position: EventPosition,
  present: Snapshot,
  committed: readonly EventPlace[],
  size: number,
  read: EventPlace[],
): EventPosition {
  const to = position.partly?.to ?? present;
  const seen = { epoch, from: to };
  const news = committed
    .filter((place) => covers(seen, place) && !covers(position, place))
    .sort((a, b) => (a.transaction < b.transaction ? -1 : 1))
    .slice(0, size);
  read.push(...news);
  const last = news.at(-1);
  // What has come through the text is as good.
  const handedBack = (next: EventPosition) => parsePosition(formatPosition(next)) as EventPosition;
  if (last !== undefined && news.length === size)
    return handedBack({ ...position, partly: { to, after: last } });
  return handedBack({ epoch, from: isEarlier(position.from, to) ? to : position.from });
}
