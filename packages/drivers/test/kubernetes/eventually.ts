import { setTimeout as sleep } from 'node:timers/promises';

/** Tries until it succeeds; the test's own time limit ends it. */
export async function eventually<T>(attempt: () => T | Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= 400) throw error;
      await sleep(250);
    }
  }
}
