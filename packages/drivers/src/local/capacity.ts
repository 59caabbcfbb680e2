import { availableParallelism, totalmem } from 'node:os';
import { constrainedMemory } from 'node:process';
import type { Capacity } from '@knitfab/engine';

/** What of the machine this process may use: cores that it may run on, and memory up to the limit of its control group. */
export function machineCapacity(): Capacity {
  const limit = constrainedMemory();
  return {
    cpu: availableParallelism(),
    memory: limit > 0 ? Math.min(totalmem(), limit) : totalmem(),
  };
}
