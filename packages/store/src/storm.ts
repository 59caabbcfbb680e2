import type { PlanDefinition } from '@knitfab/core';
import type { Tx } from './database.ts';
import { countFitting } from './fitting-data.ts';
import { readSystem } from './system.ts';

/** How many Data that don't fit are looked at: half a second of work. */
const mostUnfitting = 10_000;

/**
 * Whether a new Plan would start more Runs at once than the system lets it (spec page 8, row 8), judged by the first Data that have
 * the rarest of its tags: registering takes no longer the more of them there are that don't fit. It needs no lock: a Data more or
 * less, of this moment, makes no storm.
 */
export async function isStorm(tx: Tx, { inputs }: PlanDefinition): Promise<boolean> {
  const { inactiveAbove } = await readSystem(tx);
  const most = inactiveAbove + 1;
  let runs = 1;
  for (const { tags } of inputs) {
    runs *= await countFitting(tx, tags, { most, looked: most + mostUnfitting });
  }
  return runs > inactiveAbove;
}
