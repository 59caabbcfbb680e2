import { setTimeout } from 'node:timers/promises';
import { type Breach, invariants, type Store, snapshot, transaction } from '@knitfab/store';
import type { Drivers } from '../drivers.ts';
import { volumesExist, volumesHaveData } from './volumes.ts';
import { workersExist, workersHaveRuns } from './workers.ts';

/** What must hold between the database and the world outside. */
export interface OutsideInvariant {
  readonly name: string;
  readonly rule: string;
  /** Up to `most` breaches. What changes while it is looked at may look like one: see {@link examine}. */
  check(store: Store, drivers: Drivers, most: number): Promise<Breach[]>;
  /** @returns what it leaves to a person */
  mend?(store: Store, drivers: Drivers, breaches: readonly Breach[]): Promise<readonly Breach[]>;
}

const outsideInvariants: readonly OutsideInvariant[] = [
  volumesExist,
  volumesHaveData,
  workersExist,
  workersHaveRuns,
];

/** What came of looking at one invariant. */
export interface Finding {
  invariant: string;
  rule: string;
  breaches: Breach[];
  /** Whether there are more than are named. */
  more: boolean;
  /** All of them, not only those that are named. `no`: it can't be mended without a person's judgement. */
  mended: 'yes' | 'no' | 'not asked for';
}

export interface ExamineOptions {
  /** Mends what can be mended without losing anything. */
  fix: boolean;
  /** How many breaches to name of each, and to mend at a time. */
  most?: number;
}

/** How long what looks wrong outside of the database has to look so: what is under way at this moment settles meanwhile. */
const settlingMilliseconds = 2000;

/**
 * Checks everything that must hold on a live system: the database by itself, and the database against the volumes and workers
 * (spec page 8, row 5).
 */
export async function examine(
  store: Store,
  drivers: Drivers,
  { fix, most = 100 }: ExamineOptions,
): Promise<Finding[]> {
  const inside = await examineDatabase(store, fix, most);
  return [...inside, ...(await examineOutside(store, drivers, fix, most))];
}

async function examineDatabase({ db }: Store, fix: boolean, most: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, rule, check, mend } of invariants) {
    const look = () => snapshot(db, (tx) => check(tx, most + 1));
    const breaches = await look();
    const left =
      fix && mend
        ? await mendAll(breaches, look, (rest) => transaction(db, (tx) => mend(tx, rest)))
        : breaches;
    findings.push(finding({ name, rule, mend }, breaches, { fix, most, left }));
  }
  return findings;
}

/**
 * Mends so many at a time until nothing is wrong any more, or something is that should have been mended.
 * @returns what is still wrong
 */
async function mendAll(
  breaches: Breach[],
  look: () => Promise<Breach[]>,
  mend: (some: readonly Breach[]) => Promise<void>,
): Promise<Breach[]> {
  const mended = new Set<string>();
  let left = breaches;
  while (left.length > 0 && !left.some(({ subject }) => mended.has(subject))) {
    await mend(left);
    for (const { subject } of left) mended.add(subject);
    left = await look();
  }
  return left;
}

async function examineOutside(
  store: Store,
  drivers: Drivers,
  fix: boolean,
  most: number,
): Promise<Finding[]> {
  const look = () =>
    Promise.all(
      outsideInvariants.map((each) => each.check(store, drivers, fix ? Number.MAX_SAFE_INTEGER : most + 1)),
    );
  const first = await look();
  if (first.every((breaches) => breaches.length === 0)) {
    return outsideInvariants.map((invariant) => finding(invariant, [], { fix, most, left: [] }));
  }
  await setTimeout(settlingMilliseconds);
  const second = await look();
  return await Promise.all(
    outsideInvariants.map(async (invariant, index) => {
      const before = new Set(first[index]?.map(({ subject }) => subject));
      const breaches = (second[index] ?? []).filter(({ subject }) => before.has(subject));
      const left = fix && breaches.length > 0 ? await invariant.mend?.(store, drivers, breaches) : [];
      return finding(invariant, breaches, { fix, most, left: left ?? breaches });
    }),
  );
}

function finding(
  { name, rule, mend }: { name: string; rule: string; mend?: unknown },
  breaches: Breach[],
  { fix, most, left }: { fix: boolean; most: number; left: readonly Breach[] },
): Finding {
  return {
    invariant: name,
    rule,
    breaches: breaches.slice(0, most),
    more: breaches.length > most,
    mended: mend === undefined || (fix && left.length > 0) ? 'no' : fix ? 'yes' : 'not asked for',
  };
}
