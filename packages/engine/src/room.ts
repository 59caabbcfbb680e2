import { defaultResources, Invalid, parseQuantity, type Resources } from '@knitfab/core';
import type { Capacity } from './drivers.ts';

/** What a Run asks for, with the defaults of spec page 1: cores and bytes. */
export function amounts(resources: Resources): Capacity {
  const { cpu = '1', memory = '1Gi' } = { ...defaultResources, ...resources };
  return { cpu: parseQuantity(cpu), memory: parseQuantity(memory) };
}

/**
 * Refuses what could never run, however long it waits.
 * @throws {Invalid} when it is more than all there is, or no amount
 */
export function checkFits(resources: Resources, capacity: Capacity | undefined): void {
  const asked = amounts(resources);
  if (capacity === undefined) return;
  for (const [name, unit] of [
    ['cpu', 'CPUs'],
    ['memory', 'bytes of memory'],
  ] as const) {
    if (asked[name] > capacity[name]) {
      throw new Invalid({
        reason: `it asks for ${asked[name]} ${unit}, and this machine has ${capacity[name]}`,
        advice: `Ask for less ${name}, or run it on a larger machine.`,
      });
    }
  }
}
