import { everyCombinationHasARun } from './combinations.ts';
import type { Invariant } from './invariant.ts';
import { nominationsFollowTags } from './nominations.ts';
import {
  activityFollowsPlans,
  finishedRunsAreStamped,
  garbageIsNobodys,
  runsHaveTheirInputs,
  runsHaveTheirOutputs,
  sparesAreNobodys,
  uploadsEnd,
} from './runs.ts';

export type { Breach, Invariant } from './invariant.ts';

/** All that must hold of the database, in the order in which mending makes sense. */
export const invariants: readonly Invariant[] = [
  garbageIsNobodys,
  sparesAreNobodys,
  nominationsFollowTags,
  everyCombinationHasARun,
  runsHaveTheirInputs,
  runsHaveTheirOutputs,
  finishedRunsAreStamped,
  activityFollowsPlans,
  uploadsEnd,
];
