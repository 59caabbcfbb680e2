import type { Tx } from '../database.ts';

/** Something that is not as it must be. */
export interface Breach {
  /** What it is about: an id of a Run, Data, Plan or volume, or several with spaces between them. */
  subject: string;
  /** What is wrong with it. */
  problem: string;
}

/** What must hold of the database at any moment, whatever crashed before (spec pages 1 and 8, row 5). */
export interface Invariant {
  readonly name: string;
  readonly rule: string;
  /** Up to `most` breaches, on one snapshot. */
  check(tx: Tx, most: number): Promise<Breach[]>;
  /** Mends these, where that loses nothing; it looks again before it changes anything. */
  readonly mend?: (tx: Tx, breaches: readonly Breach[]) => Promise<void>;
}
