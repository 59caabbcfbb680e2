import type { PlanDefinition } from '@knitfab/core';
import type { Tx } from './database.ts';
import { countFitting } from './fitting-data.ts';
import { readSystem } from './system.ts';

/**
 * Whether a new Plan would start more Runs at once than the system lets it (spec page 8, row 8). It reads no more Data that fit
 * than it takes to know, and needs no lock: a Data more or less, of this moment, makes no storm.
 */
export async function isStorm(tx: Tx, { inputs }: PlanDefinition): Promise<boolean> {
  const { inactiveAbove } = await readSystem(tx);
  let runs = 1;
  for (const { tags } of inputs) runs *= await countFitting(tx, tags, inactiveAbove + 1);
  return runs > inactiveAbove;
}
