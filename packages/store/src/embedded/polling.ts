import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two looks: at first, and at most. */
const [shortest, longest] = [2, 50];

/**
 * Looks again and again, at growing intervals, until `look` finds something.
 * @param deadline milliseconds until giving up; for ever when left out
 * @returns what was found, or undefined at the deadline
 */
export async function poll<Found>(
  look: () => Promise<Found | undefined>,
  deadline = Number.POSITIVE_INFINITY,
): Promise<Found | undefined> {
  const end = performance.now() + deadline;
  for (let interval = shortest; ; interval = Math.min(interval * 1.5, longest)) {
    const found = await look();
    if (found !== undefined || performance.now() >= end) return found;
    await sleep(interval);
  }
}
